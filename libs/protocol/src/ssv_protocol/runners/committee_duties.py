"""All duties of a committee: what begins one, and which of them a message belongs to.

Roles 0 and, under Boole, 6: one runner for each role and slot. Slots that nothing can happen in any more are dropped
by whoever holds this (`forget_before`).

Not guaranteed: that two duties of a validator in one slot do not collide; that is the scheduler's.

Source: ssv-spec ssv/committee.go.
"""

from __future__ import annotations

from dataclasses import replace

from ssv_protocol.effects import Effect
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.forks import SsvFork
from ssv_protocol.runners.admission import admit, check_message_id, duty_slot
from ssv_protocol.runners.consensus_phase import ConsensusLane
from ssv_protocol.runners.duty_lane import DutyLane
from ssv_protocol.runners.runner import Runner
from ssv_protocol.runners.seats import CommitteeSeat
from ssv_protocol.runners.table import AGGREGATOR_COMMITTEE_RUNNER, COMMITTEE_RUNNER
from ssv_protocol.types.duty import AggregatorCommitteeDuty, CommitteeDuty, ValidatorDuty
from ssv_protocol.types.ids import Instant, Slot
from ssv_protocol.types.message_id import committee_message_id, message_role
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.roles import RunnerRole


class CommitteeDuties:
    """The duties of one committee, with all shares that this operator holds of its validators."""

    def __init__(self, seat: CommitteeSeat) -> None:
        self.seat = seat
        self.lanes: dict[tuple[RunnerRole, Slot], DutyLane] = {}

    def start(self, duty: CommitteeDuty | AggregatorCommitteeDuty) -> tuple[DutyLane, list[Effect]]:
        """Begin a duty with the validators that this operator has a share of; return its lane and what to do.

        Raises:
            ProtocolError: DUTY_RUNNING, NO_BEACON_DUTIES, NO_VALIDATOR_SHARES, those of the duty's `validate`, and
                under Boole DUTY_INVALID before them.
        """
        key = duty.ROLE, duty.slot
        if key in self.lanes:
            raise ProtocolError(Reason.DUTY_RUNNING, f"slot {duty.slot}")
        if not duty.validator_duties:
            raise ProtocolError(Reason.NO_BEACON_DUTIES)
        own = tuple(item for item in duty.validator_duties if item.validator_index in self.seat.shares)
        if self.seat.network.ssv_fork_at(duty.slot) is SsvFork.BOOLE:
            for item in own:
                item.validate()
        if not own:
            raise ProtocolError(Reason.NO_VALIDATOR_SHARES, f"{len(duty.validator_duties)} duties")
        lane = self.new_lane(duty.ROLE, duty.slot)
        runner = self._runner(duty, own, lane.consensus)
        self.lanes[key] = lane
        return lane, lane.start(duty.slot, lambda: runner)

    def receive(self, signed: SignedSSVMessage, at: Instant) -> tuple[DutyLane, list[Effect]]:
        """Verify a message and give it to the runner that it is for; return its lane and what to do.

        Raises:
            ProtocolError: those of `admit` and `check_message_id`, NO_RUNNER_FOR_SLOT, and those of the runner.
        """
        content = admit(self.seat.member, signed)
        check_message_id(self.seat.network, signed.ssv_message.msg_id, duty_slot(content))
        role = RunnerRole(message_role(signed.ssv_message.msg_id))
        lane = self.lanes.get((role, duty_slot(content)))
        if lane is None:
            raise ProtocolError(Reason.NO_RUNNER_FOR_SLOT, f"{role.name}, slot {duty_slot(content)}")
        return lane, lane.receive(signed, content, at)

    def forget_before(self, slot: Slot) -> None:
        """Drop the duties of earlier slots."""
        for key in [key for key in self.lanes if key[1] < slot]:
            del self.lanes[key]

    def new_lane(self, role: RunnerRole, slot: Slot) -> DutyLane:
        """Return the lane of a new duty."""
        seat = self.seat
        message_id = committee_message_id(seat.network.domain_at(slot), role, seat.member.committee_id)
        return DutyLane(ConsensusLane(message_id, seat.member, seat.network, seat.cutoff_round))

    def _runner(
        self,
        duty: CommitteeDuty | AggregatorCommitteeDuty,
        own: tuple[ValidatorDuty, ...],
        lane: ConsensusLane | None,
    ) -> Runner:
        indices = {item.validator_index for item in own}
        shares = {index: share for index, share in self.seat.shares.items() if index in indices}
        seat = replace(self.seat, shares=shares)
        if isinstance(duty, CommitteeDuty):
            return COMMITTEE_RUNNER(seat, CommitteeDuty(duty.slot, own), lane)
        return AGGREGATOR_COMMITTEE_RUNNER(seat, AggregatorCommitteeDuty(duty.slot, own), lane)
