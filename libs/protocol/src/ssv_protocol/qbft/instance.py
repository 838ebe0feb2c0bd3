"""One QBFT instance: agreement of a committee on one value at one height.

Deterministic: the same calls in the same order give the same outputs and the same state. Nothing is signed
here. An operator's own vote counts only when the signed message comes back through `process`.

Invariants: the round never falls; one proposal is accepted a round; a lock is replaced only by a later one.
A step that raises has changed nothing, except `CutOffReached`, which says so.

Not guaranteed: the RSA signatures of the messages given to `process` are the caller's to verify (invariant
"nothing enters a state machine that its worker has not verified"); those inside justifications are verified
here.

Source: ssv-spec qbft/instance.go, qbft/timeout.go.
"""

from __future__ import annotations

from ssv_protocol.effects import Send
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.qbft import drafts
from ssv_protocol.qbft.commit import check_commit, upon_commit
from ssv_protocol.qbft.config import QbftConfig
from ssv_protocol.qbft.justification import check_round_change
from ssv_protocol.qbft.outputs import CutOffReached, Output, StartTimer
from ssv_protocol.qbft.prepare import check_current_prepare, upon_prepare
from ssv_protocol.qbft.proposal import check_proposal, upon_proposal
from ssv_protocol.qbft.received import ReceivedMessage
from ssv_protocol.qbft.round_change import leave_round, upon_round_change
from ssv_protocol.qbft.state import State
from ssv_protocol.types.ids import FIRST_ROUND
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.roles import QbftMessageType


class Instance:
    """A running instance; `state` is readable by anyone and changed only here and by its controller."""

    def __init__(self, config: QbftConfig, state: State) -> None:
        self.config = config
        self.state = state

    @property
    def can_process(self) -> bool:
        """Whether the instance still takes part: not stopped and before the cut-off round."""
        return not self.state.stopped and self.state.round < self.config.cutoff_round

    def start(self, value: bytes) -> list[Output]:
        """Begin with the value that this operator would propose. A second call does nothing."""
        state = self.state
        if state.start_value is not None:
            return []
        state.start_value = value
        state.round = FIRST_ROUND
        outputs: list[Output] = [StartTimer(FIRST_ROUND)]
        if self.config.leads(state.height, FIRST_ROUND):
            outputs.append(drafts.proposal(state, value))
        return outputs

    def process(self, signed: SignedSSVMessage) -> list[Output]:
        """Take in one message whose signatures the caller has verified; see `process_received`."""
        return self.process_received(ReceivedMessage.decode(signed))

    def process_received(self, message: ReceivedMessage) -> list[Output]:
        """Take in one decoded message.

        Raises:
            ProtocolError: INSTANCE_STOPPED; SSZ_DECODE and the reasons of `validate`; PAST_ROUND;
                WRONG_ROUND (beyond the cut-off); those of the check of the message's kind.
            CutOffReached: the message took the instance into its cut-off round.
        """
        if not self.can_process:
            raise ProtocolError(Reason.INSTANCE_STOPPED)
        message.validate()
        if message.round < self.state.round:
            raise ProtocolError(Reason.PAST_ROUND, f"{message.round} before {self.state.round}")
        outputs = self._handle(message)
        if not self.can_process:
            raise CutOffReached([output for output in outputs if not isinstance(output, Send)])
        return outputs

    def on_timeout(self) -> list[Output]:
        """Leave the current round because its time is over; the caller drops timers of earlier rounds.

        Raises:
            ProtocolError: INSTANCE_TIMED_OUT when the instance no longer takes part.
        """
        if not self.can_process:
            raise ProtocolError(Reason.INSTANCE_TIMED_OUT)
        return leave_round(self.config, self.state)

    def stop(self) -> None:
        """Take no further part."""
        self.state.stopped = True

    def _handle(self, message: ReceivedMessage) -> list[Output]:
        config, state = self.config, self.state
        match message.qbft.msg_type:
            case QbftMessageType.PROPOSAL:
                check_proposal(config, state, message)
                self._check_within_cutoff(message)
                return upon_proposal(state, message)
            case QbftMessageType.PREPARE:
                check_current_prepare(config, state, message)
                return upon_prepare(config, state, message)
            case QbftMessageType.COMMIT:
                check_commit(config, state, message)
                return upon_commit(config, state, message)
            case _:  # `validate` lets only round changes through here
                check_round_change(config, state, message, message.round, message.signed.full_data)
                self._check_within_cutoff(message)
                return upon_round_change(config, state, message)

    def _check_within_cutoff(self, message: ReceivedMessage) -> None:
        """Keep the containers bounded: no honest operator sends anything for a round beyond the cut-off."""
        if message.round > self.config.cutoff_round:
            raise ProtocolError(Reason.WRONG_ROUND, f"{message.round} is beyond the cut-off")
