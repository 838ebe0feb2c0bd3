"""Committees of real RSA keys, and controllers that exchange messages in whatever order a test wants."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache, partial

from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.effects import QbftDraft, Send
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.qbft.config import CUTOFF_ROUND, LeaderFunction, QbftConfig, ValueCheck
from ssv_protocol.qbft.controller import Controller
from ssv_protocol.qbft.instance import Instance
from ssv_protocol.qbft.leader import alan_leader
from ssv_protocol.qbft.outputs import CutOffReached, Decided, Output, StartTimer
from ssv_protocol.qbft.received import ReceivedMessage, value_root
from ssv_protocol.qbft.state import State
from ssv_protocol.types.committee import committee_id, faulty_nodes
from ssv_protocol.types.ids import FIRST_ROUND, ZERO_ROOT, DomainType, Height, MessageId, OperatorId, Root, Round
from ssv_protocol.types.message_id import committee_message_id
from ssv_protocol.types.messages import SignedSSVMessage, SSVMessage
from ssv_protocol.types.operator import CommitteeMember, Operator
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import MsgType, QbftMessageType, RunnerRole

FOUR = tuple(OperatorId(i) for i in (1, 2, 3, 4))
STRANGER = OperatorId(99)
DOMAIN = DomainType(bytes(4))
IDENTIFIER = committee_message_id(DOMAIN, RunnerRole.COMMITTEE, committee_id(FOUR))
HEIGHT = Height(4)
"""Alan's leader of round 1 is operator 1 here."""
REFUSED_VALUE = b"refused"


@cache
def key_of(operator_id: OperatorId) -> OperatorPrivateKey:
    """Generated once a session."""
    return OperatorPrivateKey.generate()


@cache
def member_of(operator_id: OperatorId) -> CommitteeMember:
    """A seat in the committee of four."""
    committee = tuple(Operator(item, key_of(item).public_pem()) for item in FOUR)
    return CommitteeMember(
        operator_id,
        committee_id(FOUR),
        key_of(operator_id).public_pem(),
        faulty_nodes(len(FOUR)),
        committee,
        DOMAIN,
    )


def check_value(value: bytes) -> None:
    if value == REFUSED_VALUE:
        raise ProtocolError(Reason.VALUE_INVALID)


def config_of(
    operator_id: OperatorId,
    leader: LeaderFunction = alan_leader,
    check: ValueCheck = check_value,
    cutoff_round: Round = CUTOFF_ROUND,
) -> QbftConfig:
    return QbftConfig(member_of(operator_id), leader, check, cutoff_round)


def controller_of(operator_id: OperatorId) -> Controller:
    config = config_of(operator_id)
    return Controller(IDENTIFIER, lambda _: config)


def started(operator_id: OperatorId, value: bytes = b"own", cutoff_round: Round = CUTOFF_ROUND) -> Instance:
    """An instance of round 1 whose first outputs are thrown away."""
    instance = Instance(config_of(operator_id, cutoff_round=cutoff_round), State(IDENTIFIER, HEIGHT))
    instance.start(value)
    return instance


def sign(operator_id: OperatorId, draft: QbftDraft) -> SignedSSVMessage:
    message = SSVMessage(MsgType.CONSENSUS, draft.message_id, draft.message.encode())
    return SignedSSVMessage((key_of(operator_id).sign(message),), (operator_id,), message, draft.full_data)


def message(
    operator_id: OperatorId,
    kind: QbftMessageType,
    root: Root = ZERO_ROOT,
    round_: int = FIRST_ROUND,
    *,
    full_data: bytes = b"",
    data_round: int = 0,
    round_changes: Iterable[SignedSSVMessage] = (),
    prepares: Iterable[SignedSSVMessage] = (),
    height: Height = HEIGHT,
    identifier: MessageId = IDENTIFIER,
) -> SignedSSVMessage:
    """Any message an operator could sign, honest or not."""
    content = QbftMessage(
        kind,
        height,
        Round(round_),
        identifier,
        root,
        Round(data_round),
        tuple(item.without_full_data().encode() for item in round_changes),
        tuple(item.without_full_data().encode() for item in prepares),
    )
    return sign(operator_id, QbftDraft(content, full_data))


def proposal(
    operator_id: OperatorId,
    value: bytes,
    round_: int = FIRST_ROUND,
    round_changes: Iterable[SignedSSVMessage] = (),
    prepares: Iterable[SignedSSVMessage] = (),
) -> SignedSSVMessage:
    return message(
        operator_id,
        QbftMessageType.PROPOSAL,
        value_root(value),
        round_,
        full_data=value,
        round_changes=round_changes,
        prepares=prepares,
    )


def prepare(operator_id: OperatorId, value: bytes, round_: int = FIRST_ROUND) -> SignedSSVMessage:
    return message(operator_id, QbftMessageType.PREPARE, value_root(value), round_)


def commit(operator_id: OperatorId, value: bytes, round_: int = FIRST_ROUND) -> SignedSSVMessage:
    return message(operator_id, QbftMessageType.COMMIT, value_root(value), round_)


def round_change(operator_id: OperatorId, round_: int) -> SignedSSVMessage:
    return message(operator_id, QbftMessageType.ROUND_CHANGE, round_=round_)


def prepared_round_change(
    operator_id: OperatorId, round_: int, value: bytes, prepares: Iterable[SignedSSVMessage], data_round: int = 1
) -> SignedSSVMessage:
    return message(
        operator_id,
        QbftMessageType.ROUND_CHANGE,
        value_root(value),
        round_,
        full_data=value,
        data_round=data_round,
        round_changes=prepares,
    )


def received(signed: SignedSSVMessage) -> ReceivedMessage:
    return ReceivedMessage.decode(signed)


def content_of(output: Output) -> QbftMessage:
    """The message of a `Send`."""
    assert isinstance(output, Send)
    assert isinstance(output.draft, QbftDraft)
    return output.draft.message


def refused(step: Callable[[], object]) -> Reason | None:
    """The reason that a step gives, None when it raises nothing."""
    try:
        step()
    except ProtocolError as error:
        return error.reason
    return None


_RETRIED = {Reason.PROPOSAL_MISSING, Reason.FUTURE_MESSAGE}


@dataclass
class Network:
    """Honest operators with one controller each; every message to every operator is delivered on its own.

    A message that is refused as early is kept, as a node's queue does. Decisions wait for `announce`.
    """

    honest: tuple[OperatorId, ...] = FOUR
    pending: list[tuple[OperatorId, SignedSSVMessage]] = field(default_factory=list)
    decided: dict[OperatorId, bytes] = field(default_factory=dict)
    rounds: dict[OperatorId, Round] = field(default_factory=dict)
    announcements: list[SignedSSVMessage] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.controllers = {item: controller_of(item) for item in self.honest}

    def start(self, operator_id: OperatorId, value: bytes) -> None:
        self._run(operator_id, partial(self.controllers[operator_id].start, HEIGHT, value))

    def start_all(self, value_of: Callable[[OperatorId], bytes]) -> None:
        for operator_id in self.honest:
            self.start(operator_id, value_of(operator_id))

    def deliver(self, index: int) -> bool:
        """Deliver one pending message, of any place in the queue; tell whether it is off the queue."""
        to, signed = self.pending.pop(index % len(self.pending))
        if self._run(to, partial(self.controllers[to].process, signed)) in _RETRIED:
            self.pending.append((to, signed))
            return False
        return True

    def time_out(self, operator_id: OperatorId) -> None:
        self._run(operator_id, partial(self.controllers[operator_id].on_timeout, HEIGHT))

    def settle(self) -> None:
        """Deliver in order until all that is left is early."""
        progress = True
        while progress:
            progress = sum(self.deliver(0) for _ in range(len(self.pending))) > 0

    def broadcast(self, signed: SignedSSVMessage) -> None:
        self.pending.extend((to, signed) for to in self.honest)

    def announce(self) -> None:
        """Publish the decisions made so far."""
        for signed in self.announcements:
            self.broadcast(signed)
        self.announcements.clear()

    def _run(self, operator_id: OperatorId, step: Callable[[], list[Output]]) -> Reason | None:
        try:
            outputs = step()
        except CutOffReached as error:
            outputs = error.outputs
        except ProtocolError as error:
            return error.reason
        for output in outputs:
            match output:
                case Send(QbftDraft() as draft):
                    self.broadcast(sign(operator_id, draft))
                case StartTimer(round_):
                    self.rounds[operator_id] = round_
                case Decided(aggregated, announce):
                    assert operator_id not in self.decided, "one operator decided twice"
                    self.decided[operator_id] = output.value
                    if announce:
                        self.announcements.append(aggregated)
        return None
