"""May this committee agree on this beacon vote? The value check of role 0.

A vote passes when its checkpoints are of the epochs that this operator's own beacon node sees: without a quorum
of operators on equal epochs there is no attestation, which keeps a committee off a minority's fork.

Whether a single validator may sign is not asked here: the signer drops that one validator, with a reason,
and the committee keeps its slot.

Source: ssv-spec ssv/value_check.go; SIP "majority fork protection".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.types.beacon.attestation import AttestationData
from ssv_protocol.types.beacon_vote import BeaconVote
from ssv_protocol.types.ids import Slot


def _nothing_is_slashable(vote: BeaconVote, slot: Slot) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class BeaconVoteCheck:
    """The check against this operator's own view, taken when the duty started.

    `same_roots` also demands equal source and target roots, as the Go node does; stricter than the
    specification. `slashable` lets a caller refuse a whole vote that its validators could not sign.
    """

    slot: Slot
    own: AttestationData
    same_roots: bool = False
    slashable: Callable[[BeaconVote, Slot], bool] = _nothing_is_slashable

    def __call__(self, value: bytes) -> None:
        """Raise unless `value` is a vote that this operator agrees to.

        Raises:
            ProtocolError: BEACON_VOTE_DECODE, ATTESTATION_SOURCE_NOT_BEFORE_TARGET, CHECKPOINT_MISMATCH,
                SLASHABLE_ATTESTATION.
        """
        vote = decode_vote(value)
        vote.validate()
        for name, ours, theirs in (
            ("source", self.own.source, vote.source),
            ("target", self.own.target, vote.target),
        ):
            if ours.epoch != theirs.epoch:
                detail = f"{name} epoch {theirs.epoch}, ours {ours.epoch}"
                raise ProtocolError(Reason.CHECKPOINT_MISMATCH, detail)
            if self.same_roots and ours.root != theirs.root:
                raise ProtocolError(Reason.CHECKPOINT_MISMATCH, f"{name} root {theirs.root.hex()}")
        if self.slashable(vote, self.slot):
            raise ProtocolError(Reason.SLASHABLE_ATTESTATION)


def decode_vote(value: bytes) -> BeaconVote:
    """Decode a vote; raises ProtocolError BEACON_VOTE_DECODE."""
    try:
        return BeaconVote.decode(value)
    except ProtocolError as error:
        raise ProtocolError(Reason.BEACON_VOTE_DECODE, error.detail) from None
