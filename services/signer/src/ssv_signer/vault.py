"""The signer's state and the one thread that may touch it: the database, the keyring, the judge.

Everything that reads or writes the database runs in that thread, one call after another; the event loop waits for it
and never blocks. Opening refuses what does not belong together: another operator's or another network's database, a
damaged share.

Source: architecture §5.
"""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from structlog.typing import FilteringBoundLogger

from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.effects import Draft
from ssv_protocol.forks import Network
from ssv_protocol.signing.records import AttestationRecord
from ssv_protocol.types.ids import BlsPublicKey, CommitteeId, Instant
from ssv_runtime.health import Dependency
from ssv_signer import custody
from ssv_signer.at_rest import SALT_BYTES, Keyring
from ssv_signer.custody import Added, NewShare
from ssv_signer.errors import StartRefused
from ssv_signer.judge import Judge
from ssv_signer.recorder import Recorder
from ssv_signer.store import pins, shares, watermarks
from ssv_signer.store.database import Database
from ssv_signer.store.shares import ShareRow
from ssv_signer.work import Judgement

T = TypeVar("T")
Clock = Callable[[], Instant]
_REMEDY = "check the disk of the data folder"


class Vault:
    """The database behind its thread. `health` follows whether transactions succeed."""

    def __init__(self, recorder: Recorder, keyring: Keyring, thread: ThreadPoolExecutor, health: Dependency) -> None:
        self.network = recorder.network
        self._recorder = recorder
        self._keyring = keyring
        self._thread = thread
        self._health = health

    @classmethod
    async def open(
        cls,
        data_dir: Path,
        *,
        network: Network,
        operator_key: OperatorPrivateKey,
        now: Clock,
        log: FilteringBoundLogger,
        health: Dependency,
    ) -> Vault:
        """Open the database in a thread of its own; raises StartRefused."""
        thread = ThreadPoolExecutor(1, thread_name_prefix="record")

        def build() -> tuple[Recorder, Keyring]:
            database = Database.open(data_dir)
            try:
                keyring = _bind(database, network, operator_key, now)
            except BaseException:
                database.close()
                raise
            return Recorder(database, Judge(network, keyring), network, now, log), keyring

        try:
            recorder, keyring = await asyncio.get_running_loop().run_in_executor(thread, build)
        except BaseException:
            thread.shutdown()
            raise
        health.up()
        return cls(recorder, keyring, thread, health)

    async def close(self) -> None:
        """Finish the running transaction and close the file."""
        await self._call(self._recorder.database.close)
        self._thread.shutdown()

    async def record(self, drafts: Sequence[Draft]) -> list[Judgement]:
        """Judge drafts and make their records durable; raises sqlite3.Error when they may not be."""
        return await self._watched(lambda: self._recorder.record(drafts))

    async def add_share(self, share: NewShare) -> Added:
        """Hold a share; raises ShareConflict, sqlite3.Error."""
        return await self._watched(
            lambda: self._in_transaction(
                lambda connection: custody.add(connection, self._keyring, self.network, share, self._recorder.clock())
            )
        )

    async def remove_share(self, validator_pubkey: BlsPublicKey) -> bool:
        """Let go of a share; False when none was held. Raises sqlite3.Error."""

        def remove() -> bool:
            held = self._in_transaction(lambda connection: custody.remove(connection, validator_pubkey))
            if held is not None:
                self._keyring.forget(held.share_pubkey)
            return held is not None

        return await self._watched(remove)

    async def shares(self, committee: CommitteeId | None = None) -> list[ShareRow]:
        """Return the active shares."""
        return await self._watched(lambda: shares.active(self._recorder.database.connection, committee))

    async def watermarks(self, committee: CommitteeId) -> list[tuple[ShareRow, AttestationRecord]]:
        """Return the active shares of a committee with their attestation records, as of one moment."""

        def read(connection: sqlite3.Connection) -> list[tuple[ShareRow, AttestationRecord]]:
            rows = (
                (row, watermarks.attestation(connection, row.share_pubkey))
                for row in shares.active(connection, committee)
            )
            return [(row, record) for row, record in rows if record is not None]

        return await self._watched(lambda: self._in_transaction(read))

    async def prune(self) -> int:
        """Forget what is too old to be signed again; raises sqlite3.Error."""
        return await self._watched(self._recorder.prune)

    def _in_transaction(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._recorder.database.transaction() as connection:
            return work(connection)

    async def _watched(self, work: Callable[[], T]) -> T:
        try:
            result = await self._call(work)
        except sqlite3.Error as error:
            self._health.down(f"{type(error).__name__}: {error}", _REMEDY)
            raise
        self._health.up()
        return result

    async def _call(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _bind(database: Database, network: Network, operator_key: OperatorPrivateKey, now: Clock) -> Keyring:
    try:
        with database.transaction() as connection:
            pins.pin_operator_key(connection, operator_key.public_pem())
            pins.pin_network(connection, network, network.chain.epoch_of(network.chain.slot_at(now())))
            salt = pins.pin_salt(connection, secrets.token_bytes(SALT_BYTES))
            keyring = Keyring(operator_key, salt, secrets.token_bytes)
            for row in shares.active(connection):
                keyring.secret(row)
    except sqlite3.Error as error:
        raise StartRefused(f"the database can't be used ({error}); check the disk, or restore the file") from None
    return keyring
