"""The stores that the vectors run on: the rules alone, and the signer's tables in both databases.

Each vector gets an empty one: a file, or a schema of one real PostgreSQL server.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from services.signer.tests.databases import Database, PostgresDatabase, SqliteDatabase

from ssv_devnet.postgres import running_postgres
from ssv_protocol.signing import watermarks as rules
from ssv_protocol.signing.interchange import Interchange, KeyHistory
from ssv_protocol.signing.watermarks import KeyRecord
from ssv_protocol.types.ids import BlsPublicKey
from ssv_signer import interchange
from ssv_signer.store import history, watermarks
from ssv_signer.store.database import Store
from tests.interchange.replay import MemoryStore, RecordStore

NewStore = Callable[[], AbstractContextManager[RecordStore]]
NAMES = ("rules", "sqlite", "postgres")


@contextmanager
def stores() -> Iterator[dict[str, NewStore]]:
    """Give what makes an empty store, by name; a PostgreSQL server runs inside the block."""
    with tempfile.TemporaryDirectory() as folder, running_postgres() as server:
        place = Path(folder)

        def sqlite() -> Database:
            return SqliteDatabase(Path(tempfile.mkdtemp(dir=place)))

        yield {
            "rules": _memory,
            "sqlite": lambda: _opened(sqlite()),
            "postgres": lambda: _opened(PostgresDatabase(server, place)),
        }


class DatabaseStore:
    """The signer's own tables, each step in a transaction of its own."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def keep_history(self) -> None:
        """From now on keep all that is known to have been signed."""
        with self._store.alone() as connection:
            history.keep(connection, self._store.history_switch[True])

    def complete(self) -> tuple[KeyHistory, ...]:
        """Return what a complete export says of all keys."""
        with self._store.reading() as connection:
            return tuple(interchange.histories(connection, list(interchange.all_records(connection))))

    def take(self, imported: Interchange) -> None:
        with self._store.alone() as connection:
            if history.is_kept(connection):
                history.put(connection, added_up(imported))
            interchange.merge(connection, rules.records_of(imported))

    def get(self, pubkey: BlsPublicKey) -> KeyRecord:
        with self._store.reading() as connection:
            attested = watermarks.attestations(connection, [pubkey])
            return KeyRecord(attested.get(pubkey), watermarks.proposals(connection, [pubkey]).get(pubkey))

    def put(self, pubkey: BlsPublicKey, record: KeyRecord) -> None:
        with self._store.alone() as connection:
            if record.attestation is not None:
                watermarks.put_attestations(connection, {pubkey: record.attestation})
            if record.proposal is not None:
                watermarks.put_proposals(connection, {pubkey: record.proposal})


def added_up(imported: Interchange) -> list[KeyHistory]:
    """Return one history a key."""
    keys: dict[BlsPublicKey, KeyHistory] = {}
    for key in imported.keys:
        known = keys.get(key.pubkey, KeyHistory(key.pubkey))
        keys[key.pubkey] = KeyHistory(key.pubkey, known.blocks + key.blocks, known.attestations + key.attestations)
    return list(keys.values())


@contextmanager
def _memory() -> Iterator[RecordStore]:
    yield MemoryStore()


@contextmanager
def _opened(database: Database) -> Iterator[RecordStore]:
    store = database.open()
    try:
        yield DatabaseStore(store)
    finally:
        store.close()
