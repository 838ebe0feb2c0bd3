"""What the signer asks of a database, whichever it is: statements, transactions, and what their failure means.

The functions of this package speak the SQL that SQLite and PostgreSQL share, with `?` for parameters, and rows of int,
bytes, str and None.

Invariants: what a transaction judges by can't have changed when it is durable, and it is durable when its block is left
without an exception. `StoreError` says that this is not certain: then nothing may be signed, and whoever repeats the
request finds out what is on record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from ssv_protocol.errors import SsvError

Value = int | bytes | str | None
MAX_INTEGER = 2**63 - 1
"""The largest integer of both databases; the wire has 64 unsigned bits."""


class StoreError(SsvError):
    """The database failed or can't be reached: nothing of the transaction may be taken as durable."""


class Contradiction(StoreError):
    """The tables refused a record that contradicts an earlier one; the transaction is surely not durable."""


class Rows(Protocol):
    """What a statement gave."""

    @property
    def rowcount(self) -> int:
        """How many rows were written."""

    def fetchone(self) -> Any:
        """Return the next row or None."""

    def fetchall(self) -> list[Any]:
        """Return all rows."""


class Connection(Protocol):
    """One connection, inside a transaction. Its methods raise StoreError."""

    row_writer: str
    """SQL for the transaction that wrote a row, as `this_writer()` numbered it."""

    def execute(self, sql: str, parameters: Sequence[Value] = ()) -> Rows:
        """Run a statement."""

    def executemany(self, sql: str, parameters: Iterable[Sequence[Value]]) -> None:
        """Run a statement that writes, once for each of the parameters."""

    def insert(self, table: str, rows: Sequence[Sequence[Value]], otherwise: str = "") -> None:
        """Insert whole rows, any number of them in one go; `otherwise` is an ON CONFLICT clause.

        With that, no two of the rows may be in conflict with each other.
        """

    def select_among(self, query: str, keys: Sequence[Sequence[Value]]) -> Iterator[Any]:
        """Yield the rows of a query that ends in `(column, …) IN`, for any number of keys; no key holds None."""

    def select_joined(self, columns: str, keys: Sequence[Sequence[Value]], query: str) -> Iterator[Any]:
        """Yield the rows of a query that joins `asked`, which has these columns and a row for each of the keys.

        There may be any number of keys, and none holds None. Each is looked up by an index also where `IN` would make
        SQLite read the whole table, as with four columns.
        """


class Store(Protocol):
    """A database. One thread opens, uses and closes it."""

    name: str
    remedy: str
    """What a human looks at when it fails."""
    comes_back: bool
    """Whether it may be out of reach for a while; else a failure at the start is for good."""
    history_switch: Mapping[bool, Sequence[str]]
    """Statements that begin (True) and end the keeping of the history, besides its pin."""
    verify: Callable[[Connection], None] | None
    """Called in a transaction of each later connection; raises StartRefused for a database that is another one."""

    def judging(self, keys: Iterable[bytes]) -> AbstractContextManager[Connection]:
        """Give a transaction that alone may touch the records of `keys`: committee ids, validator public keys.

        A Contradiction may come late: with a later statement, or when the block is left.
        """

    def alone(self) -> AbstractContextManager[Connection]:
        """Give a transaction that nothing else runs beside."""

    def reading(self) -> AbstractContextManager[Connection]:
        """Give a transaction that reads, as of one moment."""

    def savepoint(self) -> AbstractContextManager[None]:
        """Undo the block's writes when it raises, and only those; inside `alone`."""

    def weakness(self) -> str | None:
        """Say why what is durable here could still be lost, if so; raises StoreError."""

    def close(self) -> None:
        """Let go of the database; what was committed stays."""


def select_in(connection: Connection, query: str, keys: Sequence[Value]) -> Iterator[Any]:
    """Yield the rows of a query that ends in `IN`, for any number of keys."""
    yield from select_among(connection, query, [(key,) for key in keys])


def select_among(connection: Connection, query: str, keys: Sequence[Sequence[Value]]) -> Iterator[Any]:
    """Yield the rows of a query that ends in `(column, …) IN`, for any number of keys of several columns."""
    return connection.select_among(query, keys)
