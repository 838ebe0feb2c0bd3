"""Where the duties of one executor and role run, one after another: the consensus that outlives them, and the runner.

Before any duty runs, a consensus message still reaches the controller: its decision is remembered, so that a duty of
a slot that the committee is past does not begin.

Source: ssv-spec ssv/runner.go (ShouldProcessDuty, ShouldProcessNonBeaconDuty, baseConsensusMsgProcessing).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ssv_protocol.effects import Effect, Received
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.qbft.received import ReceivedMessage
from ssv_protocol.runners.consensus_phase import ConsensusLane
from ssv_protocol.runners.runner import Runner
from ssv_protocol.types.ids import FIRST_HEIGHT, Instant, Slot
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.partial_signatures import PartialSignatures
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import PartialSignatureType


@dataclass(slots=True)
class DutyLane:
    """The lane of one executor and role; `consensus` is None for roles that need none."""

    consensus: ConsensusLane | None
    runner: Runner | None = None

    def start(self, slot: Slot, make: Callable[[], Runner]) -> list[Effect]:
        """Begin a duty of `slot` in the place of the one before.

        Raises:
            ProtocolError: DUTY_ALREADY_PASSED, and what `make` raises.
        """
        if self.consensus is not None:
            height = self.consensus.controller.height
            if height >= slot and height != FIRST_HEIGHT:
                raise ProtocolError(Reason.DUTY_ALREADY_PASSED, f"slot {slot}, at height {height}")
        elif self.runner is not None and self.runner.duty.slot >= slot:
            raise ProtocolError(Reason.DUTY_ALREADY_PASSED, f"slot {slot}, at slot {self.runner.duty.slot}")
        self.runner = make()
        return self.runner.start()

    def receive(self, signed: SignedSSVMessage, content: QbftMessage | PartialSignatures, at: Instant) -> list[Effect]:
        """Give an admitted message to the runner, or while there is none to the consensus alone.

        Raises:
            ProtocolError: NO_RUNNING_DUTY, NO_CONSENSUS_PHASE, NO_POST_CONSENSUS_PHASE, those of
                `Controller.process_received` and of the runner.
        """
        if self.runner is not None:
            return self.runner.step(Received(signed, content), at)
        if isinstance(content, QbftMessage):
            if self.consensus is None:
                raise ProtocolError(Reason.NO_CONSENSUS_PHASE)
            self.consensus.process(ReceivedMessage(signed, content))
            return []
        if self.consensus is None and content.type == PartialSignatureType.POST_CONSENSUS:
            raise ProtocolError(Reason.NO_POST_CONSENSUS_PHASE)
        raise ProtocolError(Reason.NO_RUNNING_DUTY)
