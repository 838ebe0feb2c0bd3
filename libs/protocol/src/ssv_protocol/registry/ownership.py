"""The ownership signatures of many blocks checked together, before the blocks are applied.

The nonce that a ValidatorAdded must sign is the number of the owner's readable ValidatorAdded events before it, good or
bad, so it is known without applying anything.

Invariant: an answer is kept by key, root and signature, and what was not asked is checked singly; so what was checked
ahead can make blocks faster, never different.

Source: ssvlabs/ssv eth/eventhandler.
"""

from collections.abc import Iterable, Mapping, Sequence

from ssv_protocol.crypto import bls
from ssv_protocol.crypto.shares import ShareData, ownership_root
from ssv_protocol.errors import ProtocolError
from ssv_protocol.registry.abi import decode_log, is_validator_added
from ssv_protocol.registry.events import ValidatorAdded
from ssv_protocol.registry.log import Log
from ssv_protocol.registry.state import NONCE_MODULUS, RegistryState
from ssv_protocol.types.committee import COMMITTEE_SIZES
from ssv_protocol.types.ids import BlsPublicKey, BlsSignature, ExecutionAddress, Root

Claim = tuple[BlsPublicKey, Root, BlsSignature]
"""A validator's key, what it should have signed, and the signature."""


def ownership_claims(state: RegistryState, logs: Iterable[Log]) -> list[Claim]:
    """Return what will have to be checked when `logs`, in chain order, are applied to `state`."""
    nonces: dict[ExecutionAddress, int] = {}
    claims: list[Claim] = []
    for log in logs:
        event = decode_log(log) if is_validator_added(log) else None
        if not isinstance(event, ValidatorAdded):
            continue
        nonce = nonces.get(event.owner, state.next_nonce(event.owner))
        nonces[event.owner] = (nonce + 1) % NONCE_MODULUS
        if len(event.operator_ids) not in COMMITTEE_SIZES:
            continue
        try:
            shares = ShareData.decode(event.shares, len(event.operator_ids))
        except ProtocolError:
            continue
        claims.append((event.public_key, ownership_root(event.owner, nonce), shares.ownership_signature))
    return claims


class CheckedClaims:
    """Answers as `bls.verify` does, from what was checked ahead where it was."""

    def __init__(self) -> None:
        self._known: dict[Claim, bool] = {}

    def add(self, claims: Sequence[Claim], outcome: Sequence[bool]) -> None:
        """Take the outcome of `bls.verify_many`."""
        self._known.update(zip(claims, outcome, strict=True))

    @property
    def known(self) -> Mapping[Claim, bool]:
        """What was checked ahead."""
        return self._known

    def verify(self, pubkey: BlsPublicKey, root: Root, signature: BlsSignature) -> bool:
        """Tell whether `signature` is `pubkey`'s over `root`."""
        known = self._known.get((pubkey, root, signature))
        return bls.verify(pubkey, root, signature) if known is None else known
