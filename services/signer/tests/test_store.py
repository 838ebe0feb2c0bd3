"""The tables: migrations, what they refuse by themselves, and forgetting."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from ssv_protocol.signing.records import AttestationRecord, Lock, ProposalRecord, QbftRecord, QbftStep, UnsignedMessage
from ssv_protocol.types.ids import BlsPublicKey, Epoch, Height, MessageId, Root, Round, Slot
from ssv_protocol.types.messages import SSVMessage
from ssv_protocol.types.roles import MsgType, QbftMessageType
from ssv_signer.store import consensus, pins, pruning, schema, watermarks
from ssv_signer.store.database import FILE_NAME, Database

KEY = BlsPublicKey(b"\x01" * 48)
MESSAGE_ID = MessageId(b"\x02" * 56)
A, B = Root(b"\x0a" * 32), Root(b"\x0b" * 32)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(tmp_path)
    yield opened
    opened.close()


def step(kind: QbftMessageType, at_round: int) -> QbftStep:
    message = SSVMessage(MsgType.CONSENSUS, MESSAGE_ID, b"%d" % at_round)
    return QbftStep(kind, Round(at_round), UnsignedMessage(message, b"full"))


def put(database: Database, height: int, record: QbftRecord, before: QbftRecord | None = None) -> None:
    with database.transaction() as connection:
        consensus.put(connection, MESSAGE_ID, Height(height), before, record)


def test_the_file_is_as_safe_as_sqlite_makes_it(database: Database) -> None:
    pragma = {
        name: database.connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")
    }
    assert pragma == {"journal_mode": "wal", "synchronous": 2}


def test_migrations_run_once_and_an_interrupted_one_runs_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Database.open(tmp_path)
    first.close()
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, ("CREATE TABLE later (a) STRICT", "no sql")))
    connection = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
    with pytest.raises(sqlite3.OperationalError):
        schema.migrate(connection, tmp_path)
    assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'later'").fetchone() == (0,)
    monkeypatch.setattr(schema, "MIGRATIONS", (schema.MIGRATIONS[0], ("CREATE TABLE later (a INTEGER) STRICT",)))
    for _ in range(2):
        schema.migrate(connection, tmp_path)
    assert connection.execute("PRAGMA user_version").fetchone() == (2,)
    connection.close()


@pytest.mark.parametrize(("source", "target", "root"), [(3, 10, A), (5, 9, A), (5, 10, B), (5, 10, None), (4, 11, A)])
def test_an_attestation_record_never_falls(database: Database, source: int, target: int, root: Root | None) -> None:
    good = AttestationRecord(Epoch(5), Epoch(10), A)
    with database.transaction() as connection:
        watermarks.put_attestation(connection, KEY, good)
    with pytest.raises(sqlite3.IntegrityError), database.transaction() as connection:
        watermarks.put_attestation(connection, KEY, AttestationRecord(Epoch(source), Epoch(target), root))
    with pytest.raises(sqlite3.IntegrityError), database.transaction() as connection:
        connection.execute("DELETE FROM attestations")
    assert watermarks.attestation(database.connection, KEY) == good


def test_a_proposal_record_never_falls(database: Database) -> None:
    good = ProposalRecord(Slot(7), A)
    with database.transaction() as connection:
        watermarks.put_proposal(connection, KEY, good)
    for slot, root in ((6, A), (7, B), (7, None)):
        with pytest.raises(sqlite3.IntegrityError), database.transaction() as connection:
            watermarks.put_proposal(connection, KEY, ProposalRecord(Slot(slot), root))
    assert watermarks.proposal(database.connection, KEY) == good


def test_a_consensus_record_is_read_with_the_step_that_is_asked_about(database: Database) -> None:
    prepare, commit = step(QbftMessageType.PREPARE, 1), step(QbftMessageType.COMMIT, 1)
    first = QbftRecord(Round(1), A, None, (prepare,))
    second = QbftRecord(Round(1), A, Lock(Round(1), A), (commit,))
    put(database, 5, first)
    put(database, 5, second, QbftRecord(Round(1), A, None, ()))
    for wanted, expected in ((prepare, (prepare,)), (commit, (commit,)), (step(QbftMessageType.PROPOSAL, 1), ())):
        found = consensus.record(database.connection, MESSAGE_ID, Height(5), wanted.type, wanted.round)
        assert found == QbftRecord(Round(1), A, Lock(Round(1), A), expected)
    assert consensus.record(database.connection, MESSAGE_ID, Height(6), 1, Round(1)) is None


@pytest.mark.parametrize("record", [QbftRecord(Round(1), A, None, ()), QbftRecord(Round(2), B, None, ())])
def test_a_round_never_falls_and_has_one_root(database: Database, record: QbftRecord) -> None:
    put(database, 5, QbftRecord(Round(2), A, None, ()))
    with pytest.raises(sqlite3.IntegrityError):
        put(database, 5, record)


def test_a_step_on_record_is_never_changed(database: Database) -> None:
    record = QbftRecord(Round(1), A, None, (step(QbftMessageType.PREPARE, 1),))
    put(database, 5, record)
    with pytest.raises(sqlite3.IntegrityError):
        put(database, 5, record)
    with pytest.raises(sqlite3.IntegrityError), database.transaction() as connection:
        connection.execute("UPDATE consensus_steps SET full_data = x'00'")


def test_forgetting_writes_down_how_far(database: Database) -> None:
    for height in (3, 5, 9):
        put(database, height, QbftRecord(Round(1), A, None, (step(QbftMessageType.PREPARE, 1),)))
    with database.transaction() as connection:
        assert pruning.prune(connection, Slot(3)) == 0
        assert pins.forgotten_below(connection) == 0
        assert pruning.prune(connection, Slot(8)) == 2
        assert pins.forgotten_below(connection) == 6
        assert pruning.prune(connection, Slot(8)) == 0
        pins.set_forgotten_below(connection, Slot(2))
        assert pins.forgotten_below(connection) == 6
    left = database.connection.execute("SELECT height FROM consensus UNION SELECT height FROM consensus_steps")
    assert left.fetchall() == [(9,)]


def test_a_failed_savepoint_takes_only_its_own_writes(database: Database) -> None:
    def fail() -> None:
        with database.savepoint():
            pins.set_forgotten_below(database.connection, Slot(9))
            raise ZeroDivisionError

    with database.transaction() as connection:
        watermarks.put_proposal(connection, KEY, ProposalRecord(Slot(7), A))
        with pytest.raises(ZeroDivisionError):
            fail()
    assert pins.forgotten_below(database.connection) == 0
    assert watermarks.proposal(database.connection, KEY) == ProposalRecord(Slot(7), A)
