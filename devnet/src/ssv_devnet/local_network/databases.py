"""The signers' databases of a local network: one real PostgreSQL server, a database for each operator in it.

One server, because one machine runs everything. What the operators share is therefore its disk and its processes, and
no table and no lock: those belong to a database.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from ssv_devnet.postgres import Postgres, running_postgres
from ssv_protocol.errors import SsvError
from ssv_protocol.types.ids import OperatorId
from ssv_runtime.files import write_atomically

_PRIVATE = 0o600


class DatabaseError(SsvError):
    """PostgreSQL can't be run; the text says why."""


@dataclass(frozen=True, slots=True)
class SignerDatabases:
    """A running server with a database for each operator."""

    server: Postgres

    @property
    def password(self) -> str:
        """The one that all signers log in with; secret."""
        return self.server.password

    def write_dsn(self, operator_id: OperatorId, path: Path) -> Path:
        """Write the connection string of an operator's database into a private file; returns the file."""
        write_atomically(path, f"{self.server.dsn(database=_name(operator_id))}\n".encode(), _PRIVATE)
        return path


@asynccontextmanager
async def running_databases(operator_ids: Iterable[OperatorId]) -> AsyncGenerator[SignerDatabases, None]:
    """Run a server inside the block. Raises DatabaseError."""
    running = running_postgres()
    try:
        server = await asyncio.to_thread(running.__enter__)
        try:
            for operator_id in operator_ids:
                await asyncio.to_thread(server.create_database, _name(operator_id))
        except BaseException:
            await asyncio.to_thread(running.__exit__, None, None, None)
            raise
    except (RuntimeError, OSError) as error:
        raise DatabaseError(f"PostgreSQL can't be run: {error}") from None
    try:
        yield SignerDatabases(server)
    finally:
        await asyncio.to_thread(running.__exit__, None, None, None)


def _name(operator_id: OperatorId) -> str:
    return f"operator_{operator_id}"
