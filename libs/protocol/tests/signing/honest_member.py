"""What an honest QBFT member may say, told independently of the signing rule; a signer and a worker to try it."""

from __future__ import annotations

from dataclasses import dataclass, field

from libs.protocol.tests.signing.world import CLOCK, NETWORK, qbft_draft

from ssv_protocol.effects import QbftDraft
from ssv_protocol.signing import qbft
from ssv_protocol.signing.records import QbftRecord
from ssv_protocol.signing.verdict import Denied
from ssv_protocol.types.ids import Root
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import QbftMessageType

PROPOSAL, PREPARE, COMMIT = QbftMessageType.PROPOSAL, QbftMessageType.PREPARE, QbftMessageType.COMMIT
ROUND_CHANGE = QbftMessageType.ROUND_CHANGE
VALUES = (b"value a", b"value b", b"value c")


@dataclass
class Signer:
    """The rule and its record; `said` is what left, in the order of the first time."""

    record: QbftRecord | None = None
    said: list[QbftMessage] = field(default_factory=list)

    def ask(self, draft: QbftDraft) -> QbftMessage | Denied:
        verdict = qbft.check(NETWORK, self.record, draft, CLOCK)
        if isinstance(verdict, Denied):
            return verdict
        self.record = verdict.record
        message = QbftMessage.decode(verdict.message.message.data)
        if message not in self.said:
            self.said.append(message)
        return message


@dataclass
class Worker:
    """A worker as the specification's instance drives it: its own round, accepted and prepared value."""

    round: int = 1
    accepted: bytes | None = None
    prepared: tuple[int, bytes] = (0, b"")

    def may_accept(self, at_round: int) -> bool:
        return at_round > self.round or (at_round == self.round and self.accepted is None)

    def accept(self, at_round: int, value: bytes) -> QbftDraft:
        self.round, self.accepted = at_round, value
        return qbft_draft(PREPARE, at_round, value)

    def prepare_quorum(self) -> QbftDraft:
        assert self.accepted is not None
        self.prepared = (self.round, self.accepted)
        return qbft_draft(COMMIT, self.round, self.accepted)

    def change(self, to_round: int) -> QbftDraft:
        self.round, self.accepted = to_round, None
        return qbft_draft(ROUND_CHANGE, to_round, self.prepared[1], prepared_round=self.prepared[0])


def assert_one_honest_member(said: list[QbftMessage]) -> None:
    value_of_round: dict[int, Root] = {}
    steps: set[tuple[int, int]] = set()
    highest, lock = 0, None
    for message in said:
        step = (message.msg_type, message.round)
        assert step not in steps, "two messages for one step"
        steps.add(step)
        assert message.round >= highest, "the round fell"
        highest = message.round
        if message.msg_type == ROUND_CHANGE:
            if lock is not None:
                locked_round, locked_root = lock
                assert message.data_round >= locked_round, "a commit was disowned"
                assert message.data_round > locked_round or message.root == locked_root
        else:
            assert value_of_round.setdefault(message.round, message.root) == message.root, "two values"
        if message.msg_type == COMMIT:
            lock = (message.round, message.root)
