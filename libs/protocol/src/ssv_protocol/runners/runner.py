"""What all runners have in common, as a type: the shape, not the behaviour.

A runner is the machine of one duty. `start` begins it, `step` takes one event; both return what is to be done.
What comes before `start`, or too early, is refused with a reason and may be offered again (`runners.early`).

Source: ssv-spec ssv/runner.go (Runner), ssv/runner_state.go (State).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ssv_protocol.effects import Effect, Event
from ssv_protocol.qbft.instance import Instance
from ssv_protocol.runners.consensus_phase import ConsensusPhase
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.runners.signature_phase import SignaturePhase
from ssv_protocol.types.duty import AggregatorCommitteeDuty, CommitteeDuty, ValidatorDuty
from ssv_protocol.types.ids import Instant, MessageId, ValidatorIndex
from ssv_protocol.types.partial_signatures import PartialSignature
from ssv_protocol.types.roles import BeaconRole

Duty = CommitteeDuty | AggregatorCommitteeDuty | ValidatorDuty


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a duty has come, as far as it is not in the lane's controller.

    `pre_consensus` and `post_consensus` are the share signatures that are stored; `instance` is the running one.
    """

    pre_consensus: tuple[PartialSignature, ...] = ()
    post_consensus: tuple[PartialSignature, ...] = ()
    instance: Instance | None = None
    decided_value: bytes = b""
    finished: bool = False


class Runner(Protocol):
    """The machine of one duty. Phases that a role does not have are None."""

    @property
    def duty(self) -> Duty:
        """The duty, without validators that this operator has no share of."""
        ...

    @property
    def message_id(self) -> MessageId:
        """The id that all its messages carry."""
        ...

    @property
    def pre_consensus(self) -> SignaturePhase | None:
        """Share signatures before consensus."""
        ...

    @property
    def consensus(self) -> ConsensusPhase | None:
        """The consensus."""
        ...

    @property
    def post_consensus(self) -> SignaturePhase | None:
        """Share signatures over what was decided."""
        ...

    @property
    def finished(self) -> bool:
        """Whether everything was submitted, or there is nothing to submit."""
        ...

    def start(self) -> list[Effect]:
        """Begin the duty."""
        ...

    def step(self, event: Event, at: Instant) -> list[Effect]:
        """Take one event; raises ProtocolError when it is refused."""
        ...

    def missed_reason(
        self, validator_index: ValidatorIndex, duty_type: BeaconRole | None = None
    ) -> MissedReason | None:
        """Return what keeps a validator's object from being submitted; None when there is none, or it was handed over.

        `duty_type` tells apart what a committee's duty holds for one validator; every other machine has one kind.
        """
        ...

    def resume(self, progress: Progress) -> None:
        """Take up the duty in mid-course, in place of `start`; nothing is sent again."""
        ...
