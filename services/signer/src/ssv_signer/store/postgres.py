"""PostgreSQL, which several signers use at once: reached, migrated, and written in transactions that are durable.

How what a transaction judged by can't change before it is durable: each takes locks before it reads, and holds them
until its commit is done. Judging shares one lock with all other judging and takes, in ascending order, an exclusive one
for each committee or validator that it judges for; every record that a request reads or writes belongs to the one that
its message id names. What is no judging (shares come and go, pruning) takes the first lock exclusively, so the shares,
committees and forgotten slots that a judging reads stand still too. READ COMMITTED is on purpose: each statement sees
what was committed before it began, and so, after the locks, all that their last holders wrote; a snapshot of an older
moment would not. Ascending order leaves no deadlock, and nothing has to be judged twice. SERIALIZABLE was not chosen,
because its locks on pages and gaps let requests of unrelated committees fail each other's batches. Behind the locks the
tables refuse records that fall or change (`postgres_schema.py`).

Durable: `synchronous_commit` is pinned for the session, `fsync` must be on. A commit counts only when the server said
COMMIT (in a failed transaction it says ROLLBACK) and said no warning, as it does when the wait for a synchronous
standby was cut short. A connection that is lost takes its transaction with it, known or unknown; the next one is tried
with backoff. A signer that is paused in a transaction loses it, and so its locks: to the server, or, where it was
paused in the middle of what it had to say and the server does not count the time, to the signer that waits for them.

Judging is pipelined: statements without an answer wait for the next that has one. Many rows or keys travel in one
statement, as an array for each column. A database that was restored or promoted is found out elsewhere (`leases.py`).
Not guaranteed: anything about a pooler between, which must pool by session.

Source: PostgreSQL documentation, "Transaction Isolation", "Explicit Locking", "Asynchronous Commit"; architecture §5.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from ssv_signer.errors import StartRefused
from ssv_signer.store import postgres_schema
from ssv_signer.store.database import Connection, Contradiction, Rows, StoreError, Value
from ssv_signer.store.history_schema import POSTGRES_SWITCH

_DURABLE = ("on", "remote_apply")
_FIRST_PAUSE_S, _LAST_PAUSE_S = 0.05, 2.0
_LEAST_VERSION = 140000
_OURS: dict[str, Any] = {
    "application_name": "ssv-signer",
    "connect_timeout": 3,
    "keepalives": 1,
    "keepalives_idle": 2,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 5000,
    "target_session_attrs": "read-write",
}
_SESSION = (
    "SET lock_timeout = '3s'",  # longer than the next, so that a signer that hangs fails nobody's requests but its own
    "SET idle_in_transaction_session_timeout = '2s'",
    "SET statement_timeout = 0",  # it would cut short a commit that waits for its standby
    "SET enable_seqscan = off",  # every query has an index, and few rows to find among many
)
_STANDBYS = (
    "SELECT current_setting('synchronous_standby_names'), count(*), "
    "count(*) FILTER (WHERE coalesce(sync_state, 'sync') IN ('sync', 'quorum')) "
    "FROM pg_stat_replication WHERE coalesce(state, 'streaming') = 'streaming'"
)
"""A role without pg_monitor sees that there are standbys, and not their state."""
_END_WHO_HANGS = (
    b"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = current_user "
    b"AND datname = current_database() AND application_name = current_setting('application_name') "
    b"AND pid <> pg_backend_pid() AND xact_start IS NOT NULL AND wait_event = 'ClientRead' "
    b"AND query_start < clock_timestamp() - interval '2s'"
)
"""A signer says all that it has to say in a transaction within milliseconds. A commit waits for no client."""
_BEGIN = b"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
_BEGIN_READING = b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class LocksTaken(StoreError):
    """Another signer did not let go of locks in time; nothing of the transaction is durable."""


class _Rows:
    """psycopg's cursor, with this package's errors; in a pipeline the answer is waited for here."""

    def __init__(self, cursor: psycopg.Cursor[Any], pipeline: psycopg.Pipeline | None) -> None:
        self._cursor = cursor
        self._pipeline = pipeline

    @property
    def rowcount(self) -> int:
        return self._cursor.rowcount

    def fetchone(self) -> Any:
        with self._arrived():
            return self._cursor.fetchone()

    def fetchall(self) -> list[Any]:
        with self._arrived():
            return self._cursor.fetchall()

    @contextmanager
    def _arrived(self) -> Iterator[None]:
        with _translating():
            if self._pipeline is not None:
                # a sync, because only after one does the server count the time that it waits for the next statement
                self._pipeline.sync()
                self._pipeline = None
            yield


class _Connection:
    """psycopg's connection, with `?` for parameters and this package's errors."""

    row_writer = "xmin::text::bigint"

    def __init__(self, raw: psycopg.Connection, pipeline: psycopg.Pipeline | None) -> None:
        self._raw = raw
        self._pipeline = pipeline

    def execute(self, sql: str, parameters: Sequence[Value] = ()) -> Rows:
        with _translating():
            return _Rows(self._raw.execute(_placeholders(sql), parameters, binary=True), self._pipeline)

    def executemany(self, sql: str, parameters: Iterable[Sequence[Value]]) -> None:
        with _translating(), self._raw.cursor() as cursor:
            cursor.executemany(_placeholders(sql), parameters)

    def insert(self, table: str, rows: Sequence[Sequence[Value]], otherwise: str = "") -> None:
        if rows:
            columns = list(zip(*rows, strict=True))
            kinds = tuple(_array_of(column) for column in columns)
            arrays = [list(column) for column, kind in zip(columns, kinds, strict=True) if kind]
            self._run(_insertion(table, kinds, otherwise), arrays)

    def select_among(self, query: str, keys: Sequence[Sequence[Value]]) -> Iterator[Any]:
        if keys:
            rows, arrays = _as_arrays(keys)
            yield from self._run(f"{query} ({rows})".encode(), arrays).fetchall()

    def select_joined(self, columns: str, keys: Sequence[Sequence[Value]], query: str) -> Iterator[Any]:
        if keys:
            rows, arrays = _as_arrays(keys)
            yield from self._run(f"WITH asked({columns}) AS ({rows}) {query}".encode(), arrays).fetchall()

    def _run(self, sql: bytes, arrays: Sequence[Sequence[Value]]) -> Rows:
        with _translating():
            return _Rows(self._raw.execute(sql, arrays, binary=True), self._pipeline)


class PostgresStore:
    """A connection that is made anew when it is lost. Open, use and close it in one thread."""

    name = "PostgreSQL"
    remedy = "check that PostgreSQL runs, can be reached and has room; its log says more"
    comes_back = True
    history_switch: Mapping[bool, Sequence[str]] = POSTGRES_SWITCH

    def __init__(self, dsn_file: Path, *, replicated: bool = False) -> None:
        self._dsn_file = dsn_file
        self._replicated = replicated
        self._raw: psycopg.Connection | None = None
        self._warnings: list[str] = []
        self._not_before_s, self._pause_s = 0.0, _FIRST_PAUSE_S
        self._why_not = ""
        self.verify: Callable[[Connection], None] | None = None
        """Called in a transaction of each new connection; raises StartRefused for a database that is another one."""

    @classmethod
    def open(cls, dsn_file: Path, *, replicated: bool = False) -> PostgresStore:
        """Connect with the connection string in a file and bring the schema up to date.

        `replicated`: a server without a synchronous standby is weak.

        Raises:
            StartRefused: the file or the database can't be used.
            StoreError: the database can't be reached now.
        """
        store = cls(dsn_file, replicated=replicated)
        store._connect()
        return store

    def judging(self, keys: Iterable[bytes]) -> AbstractContextManager[Connection]:
        """Give a pipelined transaction that alone may touch the records of `keys`."""
        numbers = sorted({int.from_bytes(sha256(key).digest()[:8], signed=True) for key in keys})
        return self._transaction(_BEGIN, (b"SELECT lock_records(%b::bigint[])", (numbers,)), pipelined=True)

    def alone(self) -> AbstractContextManager[Connection]:
        """Give a transaction that nothing else runs beside, in any signer."""
        return self._transaction(_BEGIN, (b"SELECT lock_everything()", ()))

    def reading(self) -> AbstractContextManager[Connection]:
        """Give a transaction that sees one moment and keeps nobody waiting."""
        return self._transaction(_BEGIN_READING)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo the block's writes when it raises, and only those; inside `alone`."""
        raw = self._connected()
        with _translating():
            raw.execute("SAVEPOINT one")
        try:
            yield
        except BaseException:
            with _translating():
                if not raw.closed:
                    raw.execute("ROLLBACK TO one")
                    raw.execute("RELEASE one")
            raise
        with _translating():
            raw.execute("RELEASE one")

    def weakness(self) -> str | None:
        """Say why a commit could still be lost with this server, if so; raises StoreError."""
        with self.reading() as connection:
            (names, standbys, synchronous) = connection.execute(_STANDBYS).fetchone()
        if standbys and not names:
            return f"{standbys} standby servers follow asynchronously; name them in synchronous_standby_names"
        if self._replicated and not names:
            return (
                "postgres_replicated is set, and the server has no synchronous_standby_names; name its standbys there"
            )
        if self._replicated and not synchronous:
            return "no synchronous standby is connected; commits wait until one is"
        return None

    def close(self) -> None:
        """End the connection."""
        if self._raw is not None:
            self._raw.close()
            self._raw = None

    @contextmanager
    def _transaction(
        self, begin: bytes, first: tuple[bytes, Sequence[object]] | None = None, *, pipelined: bool = False
    ) -> Iterator[Connection]:
        raw = self._connected()
        try:
            with _translating():
                with raw.pipeline() if pipelined else nullcontext() as pipeline:
                    raw.execute(begin)
                    if first is not None:
                        raw.execute(*first)
                    yield _Connection(raw, pipeline)
                self._commit(raw)
        except BaseException as error:
            _roll_back(raw)
            if isinstance(error, LocksTaken):
                _end_who_hangs(raw)
            raise

    def _commit(self, raw: psycopg.Connection) -> None:
        self._warnings.clear()
        try:
            said = self.commit(raw)
            if said != "COMMIT" or self._warnings:
                raise StoreError(f"the commit ended with {said} {' '.join(self._warnings)}".rstrip())
        except BaseException:
            raw.close()
            raise

    def commit(self, raw: psycopg.Connection) -> str | None:
        """Send COMMIT; returns what the server said."""
        return raw.execute("COMMIT").statusmessage

    def _connected(self) -> psycopg.Connection:
        if self._raw is not None and not self._raw.closed:
            return self._raw
        if time.monotonic() < self._not_before_s:
            raise StoreError(self._why_not)
        try:
            return self._connect()
        except (StoreError, StartRefused) as error:
            self._why_not = str(error)
            self._not_before_s = time.monotonic() + self._pause_s
            self._pause_s = min(2 * self._pause_s, _LAST_PAUSE_S)
            raise StoreError(self._why_not) from None

    def _connect(self) -> psycopg.Connection:
        self.close()
        raw = _reach(self._dsn_file)
        try:
            raw.add_notice_handler(self._notice)
            _prepare(raw)
            postgres_schema.migrate(raw)
            self._raw = raw
            if self.verify is not None:
                with self.reading() as connection:
                    self.verify(connection)
        except psycopg.OperationalError as error:
            self._let_go(raw)
            raise StoreError(_words(error)) from None
        except psycopg.Error as error:
            self._let_go(raw)
            raise StartRefused(f"the PostgreSQL database can't be used ({_words(error)}); see its rights") from None
        except BaseException:
            self._let_go(raw)
            raise
        self._pause_s = _FIRST_PAUSE_S
        return raw

    def _let_go(self, raw: psycopg.Connection) -> None:
        raw.close()
        self._raw = None

    def _notice(self, diagnostic: psycopg.errors.Diagnostic) -> None:
        if diagnostic.severity_nonlocalized == "WARNING":
            self._warnings.append(diagnostic.message_primary or "a warning")


def _reach(dsn_file: Path) -> psycopg.Connection:
    # nothing of the file may get out: not even where it is malformed
    try:
        text = dsn_file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        problem = error.strerror if isinstance(error, OSError) else "not text"
        raise StartRefused(f"postgres_dsn_file {dsn_file}: {problem}; name a file that can be read") from None
    try:
        given = conninfo_to_dict(text)
    except psycopg.ProgrammingError:
        given = {}
    if not given:
        raise StartRefused(
            f"postgres_dsn_file {dsn_file} holds no connection string; write postgresql://user:password@host/database"
        )
    try:
        return psycopg.connect(**(_OURS | given), autocommit=True)
    except psycopg.Error as error:
        told = _words(error)
        for name in ("password", "sslpassword"):
            secret = given.get(name)
            told = told.replace(str(secret), "***") if secret else told
        raise StoreError(told) from None


def _prepare(raw: psycopg.Connection) -> None:
    """Set what the session needs; raises StartRefused for a server that loses what it said is durable."""
    if raw.info.server_version < _LEAST_VERSION:
        raise StartRefused(f"PostgreSQL {raw.info.server_version // 10000} is too old; use 14 or later")
    for statement in _SESSION:
        raw.execute(statement)
    shown = raw.execute("SELECT current_setting('fsync'), current_setting('synchronous_commit')").fetchone()
    fsync, synchronous = shown or ("", "")
    if fsync != "on":
        raise StartRefused("PostgreSQL runs with fsync = off and may forget what was signed; set fsync = on")
    if synchronous not in _DURABLE:
        raise StartRefused(
            f"PostgreSQL has synchronous_commit = {synchronous} and may forget what was signed; "
            "set synchronous_commit = on, for the server and for the signer's role"
        )
    raw.execute("SELECT set_config('synchronous_commit', %s, false)", (synchronous,))  # a reload can't lower it


def _roll_back(raw: psycopg.Connection) -> None:
    if raw.closed:
        return
    try:
        raw.execute("ROLLBACK")
    except psycopg.Error:
        with suppress(psycopg.Error):
            raw.close()


def _end_who_hangs(raw: psycopg.Connection) -> None:
    """Take the locks from signers that have stopped in the middle of a transaction, for whoever asks next."""
    with suppress(psycopg.Error):
        raw.execute(_END_WHO_HANGS)


@contextmanager
def _translating() -> Iterator[None]:
    try:
        yield
    except psycopg.errors.LockNotAvailable as error:
        raise LocksTaken(_words(error)) from error
    except psycopg.IntegrityError as error:
        raise Contradiction(_words(error)) from error
    except psycopg.Error as error:
        raise StoreError(_words(error)) from error


def _words(error: psycopg.Error) -> str:
    # the first line: what follows may repeat a row
    told = error.diag.message_primary or next(iter(str(error).splitlines()), "")
    return f"{type(error).__name__}: {told}"


def _as_arrays(keys: Sequence[Sequence[Value]]) -> tuple[str, list[list[Value]]]:
    """Return keys as SQL and its parameters, an array for each column."""
    arrays = [list(column) for column in zip(*keys, strict=True)]
    return f"SELECT * FROM unnest({', '.join(f'%b::{_array_of(array)}' for array in arrays)})", arrays  # noqa: S608


def _array_of(column: Sequence[Value]) -> str:
    """Return the type of the array that a column's values make; none if there are none but NULL."""
    some = next((value for value in column if value is not None), None)
    return "" if some is None else "bigint[]" if isinstance(some, int) else "bytea[]"


@lru_cache(maxsize=256)
def _insertion(table: str, kinds: tuple[str, ...], otherwise: str) -> bytes:
    # rows as one array for each column, because a statement is read and sent once however many they are
    given = [f"c{number}" for number, kind in enumerate(kinds) if kind]
    columns = ", ".join(f"c{number}" if kind else "NULL" for number, kind in enumerate(kinds))
    arrays = ", ".join(f"%b::{kind}" for kind in kinds if kind)
    return (
        f"INSERT INTO {table} SELECT {columns} FROM unnest({arrays}) AS given({', '.join(given)}) {otherwise}"  # noqa: S608
    ).encode()


@lru_cache(maxsize=256)
def _placeholders(sql: str) -> bytes:
    return sql.replace("%", "%%").replace("?", "%b").encode()
