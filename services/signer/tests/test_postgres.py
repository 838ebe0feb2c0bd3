"""What only PostgreSQL has: locks between signers, commits that are none, migrations, connection strings."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from queue import Queue

import pytest
from services.signer.tests.databases import PostgresDatabase
from services.signer.tests.harness import PATIENCE_S

from ssv_devnet.postgres import Postgres, running_postgres
from ssv_protocol.signing.records import ProposalRecord
from ssv_protocol.types.ids import BlsPublicKey, Root, Slot
from ssv_signer.errors import StartRefused
from ssv_signer.store import postgres_schema, watermarks
from ssv_signer.store.database import Contradiction, StoreError
from ssv_signer.store.postgres import LocksTaken, PostgresStore

KEY, ROOT = BlsPublicKey(b"\x01" * 48), Root(b"\x0a" * 32)


@pytest.fixture
def there(postgres: Postgres, tmp_path: Path) -> PostgresDatabase:
    return PostgresDatabase(postgres, tmp_path)


def impatient(database: PostgresDatabase) -> PostgresStore:
    """A second signer's store, which waits for no lock."""
    store = PostgresStore.open(database.dsn_file)
    assert store._raw is not None
    store._raw.execute("SET lock_timeout = '1ms'")
    return store


# who may work beside whom


def test_what_is_judged_for_one_committee_is_judged_by_one_signer_at_a_time(there: PostgresDatabase) -> None:
    with closing(PostgresStore.open(there.dsn_file)) as one, closing(impatient(there)) as other:
        with one.judging([b"a", b"b"]) as connection:
            connection.execute("SELECT 1").fetchone()  # what is pipelined has arrived
            with other.judging([b"c"]) as beside:
                assert beside.execute("SELECT 1").fetchone() == (1,)
            with other.reading() as beside:
                assert beside.execute("SELECT 1").fetchone() == (1,)
            for keys in ([b"b"], [b"c", b"a"]):
                with pytest.raises(StoreError, match="lock timeout"), other.judging(keys) as beside:
                    beside.execute("SELECT 1").fetchone()
            with pytest.raises(StoreError, match="lock timeout"), other.alone():
                pass
        with one.alone(), pytest.raises(StoreError, match="lock timeout"), other.judging([b"c"]) as beside:
            beside.execute("SELECT 1").fetchone()
        with other.judging([b"a"]) as beside:
            assert beside.execute("SELECT 1").fetchone() == (1,)


def test_who_waited_for_a_lock_reads_what_its_holder_wrote(there: PostgresDatabase) -> None:
    found: Queue[object] = Queue()
    held = threading.Event()

    def wait() -> None:
        with closing(PostgresStore.open(there.dsn_file)) as store:
            held.wait()
            with store.judging([KEY]) as connection:
                found.put(watermarks.proposals(connection, [KEY]))

    waiting = threading.Thread(target=wait)
    waiting.start()
    record = ProposalRecord(Slot(7), ROOT)
    with closing(PostgresStore.open(there.dsn_file)) as store:
        with store.judging([KEY]) as connection:
            assert watermarks.proposals(connection, [KEY]) == {}
            held.set()
            until(there, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted", 1)
            watermarks.put_proposals(connection, {KEY: record})
        assert found.get(timeout=PATIENCE_S) == {KEY: record}
    waiting.join()


def test_the_tables_stop_two_signers_that_no_lock_kept_apart(there: PostgresDatabase) -> None:
    with closing(PostgresStore.open(there.dsn_file)) as one, closing(PostgresStore.open(there.dsn_file)) as other:
        with one.judging([b"one lock"]) as connection, other.judging([b"another"]) as beside:
            assert watermarks.proposals(connection, [KEY]) == watermarks.proposals(beside, [KEY]) == {}
            watermarks.put_proposals(connection, {KEY: ProposalRecord(Slot(7), ROOT)})
        with pytest.raises(Contradiction), other.judging([b"another"]) as beside:
            watermarks.put_proposals(beside, {KEY: ProposalRecord(Slot(7), Root(b"\x0b" * 32))})


def test_a_signer_that_is_paused_in_a_transaction_loses_it(there: PostgresDatabase) -> None:
    with closing(PostgresStore.open(there.dsn_file)) as paused, closing(PostgresStore.open(there.dsn_file)) as other:
        assert paused._raw is not None
        ((limit,),) = paused._raw.execute("SHOW idle_in_transaction_session_timeout").fetchall()
        assert limit != "0"
        paused._raw.execute("SET idle_in_transaction_session_timeout = '50ms'")

        def pause() -> None:
            with paused.judging([KEY]) as connection:
                watermarks.put_proposals(connection, {KEY: ProposalRecord(Slot(9), ROOT)})
                assert watermarks.proposals(connection, [KEY])
                with other.judging([KEY]) as beside:  # waits until the server has had enough of the paused one
                    watermarks.put_proposals(beside, {KEY: ProposalRecord(Slot(8), ROOT)})

        with pytest.raises(StoreError):
            pause()
    assert there.run("SELECT slot FROM proposals") == [(8,)]


def test_a_signer_that_is_paused_before_it_has_said_all_loses_its_transaction_too(there: PostgresDatabase) -> None:
    with closing(PostgresStore.open(there.dsn_file)) as paused, closing(PostgresStore.open(there.dsn_file)) as other:
        assert paused._raw is not None
        assert other._raw is not None
        other._raw.execute("SET lock_timeout = '2100ms'")

        def write(record: ProposalRecord) -> None:
            with other.judging([KEY]) as beside:
                watermarks.put_proposals(beside, {KEY: record})

        def pause() -> None:
            with paused.judging([KEY]) as connection:
                # no answer is waited for, so the server does not know that this was all for now
                watermarks.put_proposals(connection, {KEY: ProposalRecord(Slot(9), ROOT)})
                until(there, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock'", 1)
                with pytest.raises(LocksTaken):
                    write(ProposalRecord(Slot(8), ROOT))
                write(ProposalRecord(Slot(8), ROOT))

        with pytest.raises(StoreError):
            pause()
    assert there.run("SELECT slot FROM proposals") == [(8,)]


def until(database: PostgresDatabase, query: str, wanted: int) -> None:
    """Wait until a query gives a number."""
    give_up = time.monotonic() + PATIENCE_S
    while database.run(query) != [(wanted,)]:
        assert time.monotonic() < give_up, query


# what counts as durable


def test_a_commit_that_the_server_turned_into_a_rollback_is_none(there: PostgresDatabase) -> None:
    with closing(PostgresStore.open(there.dsn_file)) as store:

        def go_on_regardless() -> None:
            with store.alone() as connection:
                watermarks.put_proposals(connection, {KEY: ProposalRecord(Slot(7), ROOT)})
                with suppress(Contradiction):
                    watermarks.put_proposals(connection, {KEY: ProposalRecord(Slot(6), ROOT)})

        with pytest.raises(StoreError, match="ROLLBACK"):
            go_on_regardless()
        with store.reading() as connection:
            assert watermarks.proposals(connection, [KEY]) == {}


def test_a_commit_that_no_standby_confirmed_is_none(own_server: Postgres, tmp_path: Path) -> None:
    database = PostgresDatabase(own_server, tmp_path)
    PostgresStore.open(database.dsn_file).close()
    own_server.stop()
    own_server.options["synchronous_standby_names"] = "nobody"
    own_server.start()
    outcome: Queue[BaseException | None] = Queue()

    def write() -> None:
        try:
            with store.judging([KEY]) as connection:
                watermarks.put_proposals(connection, {KEY: ProposalRecord(Slot(7), ROOT)})
            outcome.put(None)
        except StoreError as error:
            outcome.put(error)

    with closing(PostgresStore.open(database.dsn_file)) as store:
        writing = threading.Thread(target=write)
        writing.start()
        where = "FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        until(database, f"SELECT count(*) {where}", 1)
        database.run(f"SELECT pg_cancel_backend(pid) {where}")
        error = outcome.get(timeout=PATIENCE_S)
        writing.join()
        with store.reading() as connection:  # and it goes on; that record is there, which only refuses
            assert watermarks.proposals(connection, [KEY])
    assert isinstance(error, StoreError)
    assert "replicat" in str(error)


@pytest.mark.parametrize("value", ["off", "local", "remote_write"])
def test_a_server_that_forgets_is_refused(there: PostgresDatabase, value: str) -> None:
    there.dsn_file.write_text(there.dsn.replace("-c search_path", f"-c synchronous_commit={value} -c search_path"))
    with pytest.raises(StartRefused, match=f"synchronous_commit = {value} .*; set synchronous_commit = on"):
        PostgresStore.open(there.dsn_file)


def test_a_server_that_does_not_sync_is_refused(tmp_path: Path) -> None:
    with running_postgres(fsync="off") as server, pytest.raises(StartRefused, match="fsync = off"):
        PostgresStore.open(PostgresDatabase(server, tmp_path).dsn_file)


def test_a_reload_does_not_make_commits_asynchronous(own_server: Postgres, tmp_path: Path) -> None:
    database = PostgresDatabase(own_server, tmp_path)
    with closing(PostgresStore.open(database.dsn_file)) as store:
        database.run("ALTER SYSTEM SET synchronous_commit = off")
        database.run("SELECT pg_reload_conf()")
        with database.connected() as connection:
            give_up = time.monotonic() + PATIENCE_S
            while connection.execute("SHOW synchronous_commit").fetchone() != ("off",):
                assert time.monotonic() < give_up
        with store.reading() as connection_of_signer:
            assert connection_of_signer.execute("SHOW synchronous_commit").fetchone() == ("on",)
        with pytest.raises(StartRefused):
            PostgresStore.open(database.dsn_file)


def test_a_standby_that_follows_asynchronously_is_told(own_server: Postgres, tmp_path: Path) -> None:
    database = PostgresDatabase(own_server, tmp_path)
    with closing(PostgresStore.open(database.dsn_file)) as store:
        assert store.weakness() is None
        with follower(own_server, tmp_path):
            until(database, "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'", 1)
            told = store.weakness()
            database.run("ALTER SYSTEM SET synchronous_standby_names = 'follower'")
            database.run("SELECT pg_reload_conf()")
            until(
                database,
                "SELECT count(*) FROM pg_settings WHERE name = 'synchronous_standby_names' AND setting <> ''",
                1,
            )
            quiet = store.weakness()
    assert told is not None
    assert "synchronous_standby_names" in told
    assert quiet is None


@contextmanager
def follower(server: Postgres, folder: Path) -> Iterator[None]:
    """Receive the server's log as a standby does."""
    (folder / "wal").mkdir()
    program = str(server.binaries / "pg_receivewal")
    command = [program, "-D", str(folder / "wal"), "-h", str(server.folder), "-U", "ssv", "--no-loop"]
    environment = os.environ | {"PGPASSWORD": server.password, "PGAPPNAME": "follower"}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()


# migrations


def test_signers_that_start_at_once_migrate_once(there: PostgresDatabase) -> None:
    problems: Queue[BaseException | None] = Queue()
    together = threading.Barrier(4)

    def start() -> None:
        together.wait()
        try:
            PostgresStore.open(there.dsn_file).close()
            problems.put(None)
        except Exception as error:
            problems.put(error)

    threads = [threading.Thread(target=start) for _ in range(together.parties)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [problems.get() for _ in threads] == [None] * together.parties
    versions = [(number,) for number in range(1, len(postgres_schema.MIGRATIONS) + 1)]
    assert there.run("SELECT version FROM schema_version ORDER BY version") == versions


def test_an_interrupted_migration_leaves_nothing_and_runs_again(
    there: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = postgres_schema.MIGRATIONS
    PostgresStore.open(there.dsn_file).close()
    monkeypatch.setattr(postgres_schema, "MIGRATIONS", (*released, ("CREATE TABLE later (a bigint)", "no sql")))
    with pytest.raises(StartRefused, match="syntax error"):
        PostgresStore.open(there.dsn_file)
    assert there.run("SELECT to_regclass('later')") == [(None,)]
    monkeypatch.setattr(postgres_schema, "MIGRATIONS", (*released, ("CREATE TABLE later (a bigint)",)))
    for _ in range(2):
        PostgresStore.open(there.dsn_file).close()
    monkeypatch.setattr(postgres_schema, "MIGRATIONS", released)
    with pytest.raises(StartRefused, match="newer signer"):
        PostgresStore.open(there.dsn_file)


# the connection string


@pytest.mark.parametrize(
    "content", ["", "hunter2", "host=somewhere password='hunter2", "postgresql://u:hunter2@[::1/db"]
)
def test_a_file_without_a_connection_string_is_refused_and_not_told(tmp_path: Path, content: str) -> None:
    file = tmp_path / "dsn"
    file.write_text(content)
    with pytest.raises(StartRefused, match="holds no connection string") as caught:
        PostgresStore.open(file)
    assert "hunter2" not in str(caught.value)
    with pytest.raises(StartRefused, match="name a file that can be read"):
        PostgresStore.open(tmp_path / "none")


def test_a_wrong_password_is_told_without_it(there: PostgresDatabase) -> None:
    there.dsn_file.write_text(there.dsn.replace(there.server.password, "hunter2"))
    with pytest.raises(StoreError, match="password authentication failed") as caught:
        PostgresStore.open(there.dsn_file)
    assert "hunter2" not in str(caught.value)


def test_a_role_without_rights_is_refused(there: PostgresDatabase) -> None:
    there.run("DROP ROLE IF EXISTS poor")
    there.run("CREATE ROLE poor LOGIN PASSWORD 'hunter2'")
    there.dsn_file.write_text(there.dsn.replace("user=ssv", "user=poor").replace(there.server.password, "hunter2"))
    with pytest.raises(StartRefused, match="see its rights") as caught:
        PostgresStore.open(there.dsn_file)
    assert "hunter2" not in str(caught.value)
