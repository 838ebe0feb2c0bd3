"""Two workers of one operator, with different views, ask one signer: the operator stays one honest member.

The signer's answers are judged by an independent account of what an honest QBFT member may say.
"""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from libs.protocol.tests.signing.honest_member import VALUES, Signer, Worker, assert_one_honest_member
from libs.protocol.tests.signing.world import qbft_draft, root_of

from ssv_protocol.effects import QbftDraft
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import QbftMessageType

PROPOSAL, PREPARE, COMMIT = QbftMessageType.PROPOSAL, QbftMessageType.PREPARE, QbftMessageType.COMMIT
ROUND_CHANGE = QbftMessageType.ROUND_CHANGE
values = st.sampled_from(VALUES)
rounds = st.integers(1, 3)


class AnyDrafts(RuleBasedStateMachine):
    """Callers that may ask for anything."""

    def __init__(self) -> None:
        super().__init__()
        self.signer = Signer()

    @rule(kind=st.sampled_from((PROPOSAL, PREPARE, COMMIT)), at_round=rounds, value=values)
    def step(self, kind: QbftMessageType, at_round: int, value: bytes) -> None:
        self.signer.ask(qbft_draft(kind, at_round, value))

    @rule(to_round=rounds, prepared_round=st.integers(0, 3), value=values)
    def change(self, to_round: int, prepared_round: int, value: bytes) -> None:
        self.signer.ask(qbft_draft(ROUND_CHANGE, to_round, value, prepared_round=prepared_round))

    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        if self.signer.said:
            before = self.signer.record
            message = data.draw(st.sampled_from(self.signer.said))
            full_data = next((value for value in VALUES if root_of(value) == message.root), b"")
            carries = message.msg_type == PROPOSAL or message.prepared
            assert self.signer.ask(QbftDraft(message, full_data if carries else b"")) == message
            assert self.signer.record == before

    @rule(value=values)
    def a_higher_round_is_always_open(self, value: bytes) -> None:
        # asked of a copy: the way on exists in every state, without being taken
        record = self.signer.record
        above = (record.round if record else 0) + 1
        lock = record.lock if record else None
        locked = next((v for v in VALUES if lock and root_of(v) == lock.root), b"")
        change = qbft_draft(ROUND_CHANGE, above, locked, prepared_round=lock.round if lock else 0)
        for draft in (qbft_draft(PREPARE, above, value), qbft_draft(PROPOSAL, above, value), change):
            assert Signer(record).ask(draft) == draft.message

    @invariant()
    def one_honest_member(self) -> None:
        assert_one_honest_member(self.signer.said)


class TwoWorkers(RuleBasedStateMachine):
    """Two workers that follow the protocol, each with its own view of the network, one signer."""

    def __init__(self) -> None:
        super().__init__()
        self.signer = Signer()
        self.workers = (Worker(), Worker())

    @rule(which=st.integers(0, 1), value=values)
    def lead(self, which: int, value: bytes) -> None:
        worker = self.workers[which]
        if worker.accepted is None:
            answer = self.signer.ask(qbft_draft(PROPOSAL, worker.round, value))
            if isinstance(answer, QbftMessage):
                # the worker goes on with what the signer returned, which is what peers see
                proposed = next(v for v in VALUES if root_of(v) == answer.root)
                prepared = self.signer.ask(worker.accept(worker.round, proposed))
                highest = max(message.round for message in self.signer.said)
                if worker.round == highest:
                    assert isinstance(prepared, QbftMessage)

    @rule(which=st.integers(0, 1), at_round=rounds, value=values)
    def follow(self, which: int, at_round: int, value: bytes) -> None:
        if self.workers[which].may_accept(at_round):
            self.signer.ask(self.workers[which].accept(at_round, value))

    @rule(which=st.integers(0, 1))
    def prepare_quorum(self, which: int) -> None:
        if self.workers[which].accepted is not None:
            self.signer.ask(self.workers[which].prepare_quorum())

    @rule(which=st.integers(0, 1))
    def timeout(self, which: int) -> None:
        self.signer.ask(self.workers[which].change(self.workers[which].round + 1))

    @rule(which=st.integers(0, 1), ahead=st.integers(1, 3))
    def jump(self, which: int, ahead: int) -> None:
        self.signer.ask(self.workers[which].change(self.workers[which].round + ahead))

    @rule(which=st.integers(0, 1))
    def restart(self, which: int) -> None:
        workers = list(self.workers)
        workers[which] = Worker()
        self.workers = (workers[0], workers[1])

    @invariant()
    def one_honest_member(self) -> None:
        assert_one_honest_member(self.signer.said)


class OneWorker(RuleBasedStateMachine):
    """A single worker that follows the protocol is never denied, and gets back what it asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.signer = Signer()
        self.worker = Worker()

    def approve(self, draft: QbftDraft) -> None:
        assert self.signer.ask(draft) == draft.message

    @initialize(leads=st.booleans())
    def start(self, leads: bool) -> None:
        if leads:
            self.lead(VALUES[0])

    @rule(value=values)
    def lead(self, value: bytes) -> None:
        if self.worker.accepted is None:
            self.approve(qbft_draft(PROPOSAL, self.worker.round, value))
            self.approve(self.worker.accept(self.worker.round, value))

    @rule(at_round=rounds, value=values)
    def follow(self, at_round: int, value: bytes) -> None:
        if self.worker.may_accept(at_round):
            self.approve(self.worker.accept(at_round, value))

    @rule()
    def prepare_quorum(self) -> None:
        if self.worker.accepted is not None:
            self.approve(self.worker.prepare_quorum())

    @rule(ahead=st.integers(1, 2))
    def round_change(self, ahead: int) -> None:
        self.approve(self.worker.change(self.worker.round + ahead))

    @invariant()
    def one_honest_member(self) -> None:
        assert_one_honest_member(self.signer.said)


TestAnyDrafts = AnyDrafts.TestCase
TestTwoWorkers = TwoWorkers.TestCase
TestOneWorker = OneWorker.TestCase
