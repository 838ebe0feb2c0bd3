"""Keys of shares that an external store holds: nothing of them is here but their names.

Which keys the store holds is known from the last time that it was asked. Until it was asked once, all are taken to be
there, so that a start needs no store.

Source: architecture §5.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.crypto.bls import SecretKey
from ssv_protocol.signing.objects import Signable
from ssv_protocol.types.ids import BlsPublicKey, Root, Slot
from ssv_signer.errors import StartRefused
from ssv_signer.share_store.bodies import body
from ssv_signer.store import shown_objects
from ssv_signer.store.database import Connection
from ssv_signer.store.shares import KEY_ELSEWHERE, ShareRow
from ssv_signer.work import BatchWork


class ExternalKeys:
    """See `share_keys.ShareKeys`. `listed` is what the store holds, None when it was not asked yet."""

    def __init__(self, chain: BeaconChain) -> None:
        self._chain = chain
        self.listed: frozenset[BlsPublicKey] | None = None

    def seal(self, validator_pubkey: BlsPublicKey, share_pubkey: BlsPublicKey, secret: SecretKey) -> bytes:
        """Keep nothing of the secret."""
        return KEY_ELSEWHERE

    def check(self, row: ShareRow) -> None:
        """Raise StartRefused for a share whose key lies in the database."""
        if row.sealed_secret != KEY_ELSEWHERE:
            raise StartRefused(
                f"share_store: the key of share 0x{row.share_pubkey.hex()} lies in this database; set share_store = "
                "local, or begin with a new database and the slashing records of this one"
            )

    def can_sign(self, row: ShareRow) -> bool:
        """Tell whether the store holds the key, as far as is known."""
        return self.listed is None or row.share_pubkey in self.listed

    def remember(self, connection: Connection, slot: Slot, objects: Mapping[Root, Signable]) -> None:
        """Write down what the store is to be shown for each root."""
        bodies = {root: body(self._chain, slot, root, item) for root, item in objects.items()}
        shown_objects.put(connection, slot, bodies)

    def equip(self, connection: Connection, work: BatchWork, rows: Mapping[BlsPublicKey, ShareRow]) -> BatchWork:
        """Add what the store is to be shown."""
        roots = [item.signing_root for item in work.record.items]
        return replace(work, bodies=shown_objects.of(connection, work.record.slot, roots))

    def forget(self, share_pubkey: BlsPublicKey) -> None:
        """Do nothing: nothing is kept."""

    def keep_only(self, share_pubkeys: Collection[BlsPublicKey]) -> None:
        """Do nothing: nothing is kept."""
