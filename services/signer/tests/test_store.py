"""The tables of both databases: what they refuse by themselves, and forgetting."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from services.signer.tests.databases import Database

from ssv_protocol.signing.records import AttestationRecord, Lock, ProposalRecord, QbftRecord, QbftStep, UnsignedMessage
from ssv_protocol.types.ids import BlsPublicKey, Epoch, Height, MessageId, Root, Round, Slot
from ssv_protocol.types.messages import SSVMessage
from ssv_protocol.types.roles import MsgType, QbftMessageType
from ssv_signer.store import consensus, pins, pruning, watermarks
from ssv_signer.store.database import Contradiction, Store

KEY = BlsPublicKey(b"\x01" * 48)
MESSAGE_ID = MessageId(b"\x02" * 56)
A, B = Root(b"\x0a" * 32), Root(b"\x0b" * 32)


@pytest.fixture
def store(database: Database) -> Iterator[Store]:
    opened = database.open()
    yield opened
    opened.close()


def step(kind: QbftMessageType, at_round: int) -> QbftStep:
    message = SSVMessage(MsgType.CONSENSUS, MESSAGE_ID, b"%d" % at_round)
    return QbftStep(kind, Round(at_round), UnsignedMessage.of(message, b"full"))


def put(store: Store, height: int, record: QbftRecord, before: QbftRecord | None = None) -> None:
    with store.judging([MESSAGE_ID]) as connection:
        consensus.put(connection, {(MESSAGE_ID, Height(height)): (before, record)})


def attest(store: Store, record: AttestationRecord) -> None:
    with store.judging([KEY]) as connection:
        watermarks.put_attestations(connection, {KEY: record})


def propose(store: Store, record: ProposalRecord) -> None:
    with store.judging([KEY]) as connection:
        watermarks.put_proposals(connection, {KEY: record})


@pytest.mark.parametrize(("source", "target", "root"), [(3, 10, A), (5, 9, A), (5, 10, B), (5, 10, None), (4, 11, A)])
def test_an_attestation_record_never_falls(store: Store, source: int, target: int, root: Root | None) -> None:
    good = AttestationRecord(Epoch(5), Epoch(10), A)
    attest(store, good)
    with pytest.raises(Contradiction, match="only rise"):
        attest(store, AttestationRecord(Epoch(source), Epoch(target), root))
    with pytest.raises(Contradiction, match="never deleted"), store.alone() as connection:
        connection.execute("DELETE FROM attestations")
    with store.reading() as connection:
        assert watermarks.attestations(connection, [KEY]) == {KEY: good}


def test_a_proposal_record_never_falls(store: Store) -> None:
    good = ProposalRecord(Slot(7), A)
    propose(store, good)
    for slot, root in ((6, A), (7, B), (7, None)):
        with pytest.raises(Contradiction, match="only rise"):
            propose(store, ProposalRecord(Slot(slot), root))
    with pytest.raises(Contradiction, match="never deleted"), store.alone() as connection:
        connection.execute("DELETE FROM proposals")
    with store.reading() as connection:
        assert watermarks.proposals(connection, [KEY]) == {KEY: good}


def test_records_of_more_keys_than_one_statement_takes(store: Store) -> None:
    keys = [BlsPublicKey(number.to_bytes(48)) for number in range(1201)]
    records = {key: ProposalRecord(Slot(number), None if number % 2 else A) for number, key in enumerate(keys)}
    with store.judging([b"all"]) as connection:
        watermarks.put_proposals(connection, records)
        assert watermarks.proposals(connection, keys) == records
    with store.reading() as connection:
        assert watermarks.proposals(connection, [KEY, *keys[7:1100]]) == {key: records[key] for key in keys[7:1100]}
        assert watermarks.proposals(connection, []) == {}


def test_a_consensus_record_is_read_with_the_step_that_is_asked_about(store: Store) -> None:
    prepare, commit = step(QbftMessageType.PREPARE, 1), step(QbftMessageType.COMMIT, 1)
    first = QbftRecord(Round(1), A, None, (prepare,))
    second = QbftRecord(Round(1), A, Lock(Round(1), A), (commit,))
    put(store, 5, first)
    put(store, 5, second, QbftRecord(Round(1), A, None, ()))
    with store.reading() as connection:
        for wanted, expected in ((prepare, (prepare,)), (commit, (commit,)), (step(QbftMessageType.PROPOSAL, 1), ())):
            found = consensus.record(connection, (MESSAGE_ID, Height(5), wanted.type, wanted.round))
            assert found == QbftRecord(Round(1), A, Lock(Round(1), A), expected)
        assert consensus.record(connection, (MESSAGE_ID, Height(6), 1, Round(1))) is None


@pytest.mark.parametrize("record", [QbftRecord(Round(1), A, None, ()), QbftRecord(Round(2), B, None, ())])
def test_a_round_never_falls_and_has_one_root(store: Store, record: QbftRecord) -> None:
    put(store, 5, QbftRecord(Round(2), A, None, ()))
    with pytest.raises(Contradiction):
        put(store, 5, record)


def test_a_step_on_record_is_never_changed(store: Store) -> None:
    record = QbftRecord(Round(1), A, None, (step(QbftMessageType.PREPARE, 1),))
    put(store, 5, record)
    with pytest.raises(Contradiction):
        put(store, 5, record)
    with pytest.raises(Contradiction), store.alone() as connection:
        connection.execute("UPDATE consensus_steps SET round = 9")


def test_forgetting_writes_down_how_far(store: Store) -> None:
    for height in (3, 5, 9):
        put(store, height, QbftRecord(Round(1), A, None, (step(QbftMessageType.PREPARE, 1),)))
    with store.alone() as connection:
        assert pruning.prune(connection, Slot(3)) == 0
        assert pins.forgotten_below(connection) == 0
        assert pruning.prune(connection, Slot(8)) == 2
        assert pins.forgotten_below(connection) == 6
        assert pruning.prune(connection, Slot(8)) == 0
        pins.set_forgotten_below(connection, Slot(2))
        assert pins.forgotten_below(connection) == 6
    with store.reading() as connection:
        left = connection.execute("SELECT height FROM consensus UNION SELECT height FROM consensus_steps")
        assert left.fetchall() == [(9,)]


def test_a_failed_savepoint_takes_only_its_own_writes(store: Store) -> None:
    def fail(error: type[Exception]) -> None:
        with store.savepoint():
            pins.set_forgotten_below(connection, Slot(9))
            if error is Contradiction:
                watermarks.put_proposals(connection, {KEY: ProposalRecord(Slot(6), A)})
            raise error

    with store.alone() as connection:
        watermarks.put_proposals(connection, {KEY: ProposalRecord(Slot(7), A)})
        for error in (ZeroDivisionError, Contradiction):
            with pytest.raises(error):
                fail(error)
        with store.savepoint():
            pins.set_forgotten_below(connection, Slot(4))
    with store.reading() as connection:
        assert pins.forgotten_below(connection) == 4
        assert watermarks.proposals(connection, [KEY]) == {KEY: ProposalRecord(Slot(7), A)}
