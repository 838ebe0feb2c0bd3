"""The consensus of one duty: the QBFT controller beneath a runner, and when its decision counts.

A `ConsensusLane` outlives duties: it is the controller of one executor and role, which refuses heights below its
own. A `ConsensusPhase` is the part that one duty plays on it.

Invariants: a decision of another height than the duty's is refused; a decided value that fails the duty's own value
check is never accepted, so the operator stays silent.

Source: ssv-spec ssv/runner.go (decide, baseConsensusMsgProcessing); qbft/timeout.go.
"""

from __future__ import annotations

from collections.abc import Callable

from ssv_protocol.effects import Effect, Publish, Send, SetTimer
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.forks import Network
from ssv_protocol.qbft.config import CUTOFF_ROUND, QbftConfig, ValueCheck
from ssv_protocol.qbft.controller import STORED_INSTANCES, Controller
from ssv_protocol.qbft.instance import Instance
from ssv_protocol.qbft.outputs import CutOffReached, Decided, Output, StartTimer
from ssv_protocol.qbft.received import ReceivedMessage
from ssv_protocol.qbft.timer import RoundTimes
from ssv_protocol.types.ids import Height, Instant, MessageId, Round, Slot
from ssv_protocol.types.message_id import message_role
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.operator import CommitteeMember
from ssv_protocol.types.roles import RunnerRole


def _accept_any(value: bytes) -> None:
    """While no duty runs nothing is sent (`ConsensusLane.process`), so there is nothing to refuse."""


class ConsensusLane:
    """The controller of one executor and role; `check_value` is that of the duty that runs."""

    def __init__(
        self,
        message_id: MessageId,
        member: CommitteeMember,
        network: Network,
        cutoff_round: Round = CUTOFF_ROUND,
        stored_instances: int | None = STORED_INSTANCES,
    ) -> None:
        self.member = member
        self.network = network
        self.check_value: ValueCheck = _accept_any
        self._cutoff_round = cutoff_round
        self.controller = Controller(message_id, self.config_at, stored_instances)

    def config_at(self, height: Height) -> QbftConfig:
        """Return the rules of a height."""
        leader = self.network.leader_at(Slot(height))
        return QbftConfig(self.member, leader, self._check_now, self._cutoff_round)

    def _check_now(self, value: bytes) -> None:
        self.check_value(value)

    def process(self, message: ReceivedMessage) -> None:
        """Take in a message while no duty runs: its decision is remembered, nothing is said.

        Raises:
            ProtocolError: those of `Controller.process_received`.
        """
        self.controller.process_received(message)


class ConsensusPhase:
    """One duty's consensus. `instance` runs since `start`; `decided_value` is empty until it is accepted."""

    def __init__(self, lane: ConsensusLane, slot: Slot, check_value: ValueCheck) -> None:
        self.lane = lane
        self.slot = slot
        self.instance: Instance | None = None
        self.decided: SignedSSVMessage | None = None
        self.decided_value = b""
        self.round = Round(0)
        lane.check_value = self._check_value
        self.value_refused = False
        self.given_up = False
        """The role's last round is over: no further one is asked for, but a decision still counts."""
        self._check = check_value
        network = lane.network
        self._role = RunnerRole(message_role(lane.controller.identifier))
        self._slot_start = network.chain.slot_start(slot)
        self._round_times = RoundTimes(network.chain.slot_duration_s, network.quick_timeout_at(slot, self._role))
        self._last_round = network.last_round_of(self._role)

    @property
    def height(self) -> Height:
        """The QBFT height: the duty's slot."""
        return Height(self.slot)

    @property
    def started(self) -> bool:
        """Whether the instance runs or has run."""
        return self.instance is not None

    @property
    def stage(self) -> tuple[Round, bool, bool, bool] | None:
        """How far consensus has come; a message that came too early does so until this is another."""
        if self.instance is None:
            return None
        state = self.instance.state
        return state.round, state.accepted_proposal is not None, state.decided, bool(self.decided_value)

    def start(self, value: bytes, at: Instant) -> list[Effect]:
        """Begin with the value that this operator would propose.

        Raises:
            ProtocolError: those of the value check and of `Controller.start`.
        """
        self._check_value(value)
        outputs = self.lane.controller.start(self.height, value)
        self.instance = self.lane.controller.instance(self.height)
        return self._perform(outputs, at)[0]

    def receive(self, message: ReceivedMessage, at: Instant) -> tuple[list[Effect], bool]:
        """Take in one message; return what is to be done, and whether it decided the duty's value.

        Raises:
            ProtocolError: CONSENSUS_FINISHED, FUTURE_MESSAGE, DECIDED_WRONG_INSTANCE, those of the value check on a
                decided value, and those of `Controller.process_received`.
        """
        if self.instance is not None and self.instance.state.decided:
            raise ProtocolError(Reason.CONSENSUS_FINISHED)
        if self.instance is None and self._is_of_this_duty(message):
            # a decision that the controller took in now would use up the height before the own value is there
            raise ProtocolError(Reason.FUTURE_MESSAGE, f"height {self.height} has not begun")
        return self._run(lambda: self.lane.controller.process_received(message), at)

    def timed_out(self, round_: Round, at: Instant) -> list[Effect]:
        """Leave a round whose time is over; nothing for a round that was left before.

        Raises:
            ProtocolError: INSTANCE_TIMED_OUT.
        """
        if round_ != self.round or self.instance is None or self.instance.state.decided:
            return []
        if self._last_round is not None and round_ >= self._last_round:
            self.given_up = True
            return []
        return self._run(lambda: self.lane.controller.on_timeout(self.height), at)[0]

    def check_decided(self) -> None:
        """Refuse share signatures over a decision that there is not.

        Raises:
            ProtocolError: NO_DECIDED_VALUE, INSTANCE_MISSING, INSTANCE_NOT_DECIDED.
        """
        if not self.decided_value:
            raise ProtocolError(Reason.NO_DECIDED_VALUE)
        if self.instance is None:
            raise ProtocolError(Reason.INSTANCE_MISSING)
        if not self.instance.state.decided:
            raise ProtocolError(Reason.INSTANCE_NOT_DECIDED)

    def resume(self, instance: Instance | None, decided_value: bytes) -> None:
        """Take up a consensus in mid-course."""
        self.instance = instance
        self.decided_value = decided_value

    def _is_of_this_duty(self, message: ReceivedMessage) -> bool:
        return message.qbft.height == self.height and message.qbft.identifier == self.lane.controller.identifier

    def _check_value(self, value: bytes) -> None:
        try:
            self._check(value)
        except ProtocolError:
            self.value_refused = True
            raise

    def _run(self, step: Callable[[], list[Output]], at: Instant) -> tuple[list[Effect], bool]:
        try:
            outputs = step()
        except CutOffReached as end:
            outputs = end.outputs
        return self._perform(outputs, at)

    def _perform(self, outputs: list[Output], at: Instant) -> tuple[list[Effect], bool]:
        effects: list[Effect] = []
        decides = False
        for output in outputs:
            match output:
                case Send():
                    effects.append(output)
                case StartTimer(round_):
                    self.round = round_
                    deadline = self._round_times.deadline(self._role, self._slot_start, round_, at)
                    effects.append(SetTimer(round_, deadline))
                case Decided(commit, announce):
                    if announce:
                        effects.append(Publish(commit))
                    self._accept(commit)
                    decides = True
        return effects, decides

    def _accept(self, commit: SignedSSVMessage) -> None:
        if self.instance is None or not self.instance.state.decided:
            raise ProtocolError(Reason.DECIDED_WRONG_INSTANCE)
        self._check_value(commit.full_data)
        self.decided = commit
        self.decided_value = commit.full_data
