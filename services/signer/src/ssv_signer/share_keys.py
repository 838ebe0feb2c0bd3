"""Where the keys of shares lie, and what it takes to sign with them.

Either sealed in the share's row (`at_rest.Keyring`), where a signing root is all that a signature needs; or in an
external store (`share_store`), which wants to see the object that a root stands for. What it is shown is therefore on
record with the root, so that what was recorded can be signed again, by another signer too.

Invariant: nothing here decides what may be signed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Executor
from typing import Protocol

from ssv_protocol.crypto.bls import SecretKey
from ssv_protocol.errors import SsvError
from ssv_protocol.signing.objects import Signable
from ssv_protocol.types.ids import BlsPublicKey, BlsSignature, Root, Slot
from ssv_signer.store.database import Connection
from ssv_signer.store.shares import ShareRow
from ssv_signer.work import BatchWork


class SigningFailed(SsvError):
    """What is on record could not be signed now; the same request may succeed later. The text holds no secret."""


class ShareKeys(Protocol):
    """The keys of shares, as the one thread sees them that has the database."""

    def seal(self, validator_pubkey: BlsPublicKey, share_pubkey: BlsPublicKey, secret: SecretKey) -> bytes:
        """Return what the share's row holds of its secret."""

    def check(self, row: ShareRow) -> None:
        """Raise StartRefused for an active share whose row can't be used here."""

    def can_sign(self, row: ShareRow) -> bool:
        """Tell whether signatures can be had with a share now, as far as is known."""

    def remember(self, connection: Connection, slot: Slot, objects: Mapping[Root, Signable]) -> None:
        """Write down what signatures need besides their roots, in the transaction that records these."""

    def equip(self, connection: Connection, work: BatchWork, rows: Mapping[BlsPublicKey, ShareRow]) -> BatchWork:
        """Return the work with what its signatures need; `rows` has its shares, by their public keys."""

    def forget(self, share_pubkey: BlsPublicKey) -> None:
        """Drop what is kept of a share that was let go."""

    def keep_only(self, share_pubkeys: Collection[BlsPublicKey]) -> None:
        """Drop what is kept of all other shares."""


class ShareStore(Protocol):
    """An external store of share keys, as the event loop sees it."""

    @property
    def keys(self) -> ShareKeys:
        """Its keys, for the thread of the database."""

    async def admit(self, share_pubkey: BlsPublicKey) -> None:
        """Raise ShareKeyMissing unless the store holds a key, SigningFailed when it can't be asked."""

    async def sign(self, work: BatchWork, threads: Executor) -> Sequence[BlsSignature]:
        """Return verified signatures, in the order of the record's items; raises SigningFailed."""

    async def look(self, held: Collection[BlsPublicKey]) -> None:
        """Compare the store's keys with the shares held, and show what is missing."""
