"""All duties of one validator on its own: proposals, registrations, exits, and under Alan both aggregations.

One lane for each role. A new duty takes the place of the one before, finished or not.

Source: ssv-spec ssv/validator.go, ssv/dutyrunners.go.
"""

from __future__ import annotations

from ssv_protocol.crypto import rsa
from ssv_protocol.effects import Effect
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.forks import SsvFork
from ssv_protocol.runners.admission import open_content
from ssv_protocol.runners.consensus_phase import ConsensusLane
from ssv_protocol.runners.duty_lane import DutyLane
from ssv_protocol.runners.seats import ValidatorSeat
from ssv_protocol.runners.table import VALIDATOR_RUNNERS
from ssv_protocol.types.duty import ValidatorDuty, runner_role
from ssv_protocol.types.ids import Instant, Slot
from ssv_protocol.types.message_id import belongs_to_validator, message_role, validator_message_id
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.roles import RunnerRole

_WITHOUT_CONSENSUS = frozenset({RunnerRole.VALIDATOR_REGISTRATION, RunnerRole.VOLUNTARY_EXIT})


class ValidatorDuties:
    """The duties of the validator of a seat."""

    def __init__(self, seat: ValidatorSeat) -> None:
        self.seat = seat
        self.lanes: dict[RunnerRole, DutyLane] = {}

    def start(self, duty: ValidatorDuty) -> tuple[DutyLane, list[Effect]]:
        """Begin a duty; return its lane and what to do.

        Raises:
            ProtocolError: DUTY_ROLE when no runner of a validator performs it, DUTY_ALREADY_PASSED, those of the
                runner, and under Boole DUTY_INVALID before them.
        """
        fork = self.seat.network.ssv_fork_at(duty.slot)
        if fork is SsvFork.BOOLE:
            duty.validate()
        role = runner_role(duty.type, fork)
        make = VALIDATOR_RUNNERS.get(role)
        if make is None:
            raise ProtocolError(Reason.DUTY_ROLE, f"beacon role {duty.type}")
        lane = self._lane(role, duty.slot)
        return lane, lane.start(duty.slot, lambda: make(self.seat, duty, lane.consensus))

    def receive(self, signed: SignedSSVMessage, at: Instant) -> tuple[DutyLane, list[Effect]]:
        """Verify a message and give it to the runner that it is for; return its lane and what to do.

        Raises:
            ProtocolError: ENVELOPE_SIGNATURE, MESSAGE_ROLE, DUTY_VALIDATOR_PUBKEY, NO_RUNNING_DUTY, those of
                `open_content` and of the runner.
        """
        signed.validate()
        if not rsa.verify_envelope(self.seat.member, signed):
            raise ProtocolError(Reason.ENVELOPE_SIGNATURE, f"signers {list(signed.operator_ids)}")
        message_id = signed.ssv_message.msg_id
        role = message_role(message_id)
        if role not in VALIDATOR_RUNNERS:
            raise ProtocolError(Reason.MESSAGE_ROLE, f"role {role}")
        if not belongs_to_validator(message_id, self.seat.share.validator_pubkey):
            raise ProtocolError(Reason.DUTY_VALIDATOR_PUBKEY)
        content = open_content(signed)
        lane = self.lanes.get(RunnerRole(role))
        if lane is None:
            raise ProtocolError(Reason.NO_RUNNING_DUTY)
        return lane, lane.receive(signed, content, at)

    def _lane(self, role: RunnerRole, slot: Slot) -> DutyLane:
        lane = self.lanes.get(role)
        seat = self.seat
        message_id = validator_message_id(seat.network.domain_at(slot), role, seat.share.validator_pubkey)
        if lane is None or (lane.consensus is not None and lane.consensus.controller.identifier != message_id):
            consensus = None
            if role not in _WITHOUT_CONSENSUS:
                consensus = ConsensusLane(message_id, seat.member, seat.network, seat.cutoff_round)
            lane = self.lanes[role] = DutyLane(consensus)
        return lane
