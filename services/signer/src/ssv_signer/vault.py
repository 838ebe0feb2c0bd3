"""The signer's state and the one thread that may touch it: the database, the keys of shares, the judge.

Everything that reads or writes the database runs in that thread, one call after another; the event loop waits for it
and never blocks. Opening refuses what does not belong together: another operator's or another network's database, a
damaged share.

Source: architecture §5.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from structlog.typing import FilteringBoundLogger

from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.forks import Network
from ssv_protocol.signing import watermarks as watermark_rules
from ssv_protocol.signing.interchange import KeyHistory
from ssv_protocol.signing.leases import Lease
from ssv_protocol.signing.records import AttestationRecord
from ssv_protocol.signing.watermarks import KeyRecord
from ssv_protocol.types.ids import BlsPublicKey, CommitteeId, Epoch, Instant, Slot
from ssv_runtime.health import Dependency
from ssv_signer import custody, holding, interchange, journal, taking
from ssv_signer.at_rest import SALT_BYTES, Keyring
from ssv_signer.custody import Added, NewShare
from ssv_signer.errors import HoldRefused, StartRefused
from ssv_signer.interchange import Imported
from ssv_signer.judge import Judge
from ssv_signer.leasing import Leasing, Outcome, Wanted
from ssv_signer.recorder import Recorder
from ssv_signer.share_keys import ShareKeys
from ssv_signer.share_queue import ShareQueue
from ssv_signer.store import history, leases, pins, shares, watermarks
from ssv_signer.store.database import Connection, Contradiction, Store, StoreError
from ssv_signer.store.shares import ShareRow
from ssv_signer.taking import Outcome as ShareOutcome
from ssv_signer.work import Asked, Judgement, Work

T = TypeVar("T")
Clock = Callable[[], Instant]
Held = tuple[CommitteeId, Lease]
_SLOW_S = 5.0
PROGRESS_SHARES = 1_000
"""After how many shares the start says how far it is."""


@dataclass(frozen=True, slots=True)
class Tidied:
    """How many records were forgotten, whose shares may sign, why what is durable could still be lost, and who waits.

    `shares` has public keys. `quiet` has the committees after a cold start, each with the first slot for which it
    signs again.
    """

    pruned: int
    shares: Sequence[BlsPublicKey]
    weakness: str | None
    quiet: Mapping[CommitteeId, Slot]


class Vault:
    """The database behind its thread. `health` follows whether transactions succeed."""

    def __init__(self, recorder: Recorder, keys: ShareKeys, thread: ThreadPoolExecutor, health: Dependency) -> None:
        self.network = recorder.network
        self._store = recorder.store
        self._recorder = recorder
        self._keys = keys
        self._thread = thread
        self._health = health
        self._share_queue = ShareQueue(self._add_shares)
        self.lost = asyncio.Event()
        """Set when a database that comes back failed, until it worked again."""

    @classmethod
    async def open(
        cls,
        connect: Callable[[], Store],
        *,
        network: Network,
        operator_key: OperatorPrivateKey,
        now: Clock,
        log: FilteringBoundLogger,
        health: Dependency,
        trust_disk: bool = False,
        keep_history: bool = False,
        external_keys: ShareKeys | None = None,
    ) -> Vault:
        """Open the database in a thread of its own; raises StartRefused, and StoreError if it can't be reached now.

        `trust_disk`: believe a database of which nobody can tell whether it is the latest. `keep_history`: keep
        everything that is signed (`store.history`). `external_keys`: those of a store that holds the shares' secrets
        instead of the database.
        """
        loop = asyncio.get_running_loop()

        def show(number: int, held: int) -> None:
            health.reason = f"opening shares, {number} of {held}"
            log.info("opening shares", opened=number, shares=held)

        def opened(number: int, held: int) -> None:
            loop.call_soon_threadsafe(show, number, held)

        thread = ThreadPoolExecutor(1, thread_name_prefix="record")

        def build() -> tuple[Recorder, ShareKeys]:
            store = connect()
            try:
                keys = _bind(store, network, operator_key, now, external_keys, keep_history, opened)
            except BaseException:
                store.close()
                raise
            leasing = Leasing(network.chain, disk=trust_disk, random=secrets.token_bytes, log=log)
            return Recorder(store, Judge(network, keys, leasing), network, now, log), keys

        try:
            recorder, keys = await loop.run_in_executor(thread, build)
        except BaseException:
            thread.shutdown()
            raise
        health.up()
        return cls(recorder, keys, thread, health)

    async def close(self) -> None:
        """Finish the running transaction and let go of the database."""
        await self._call(self._store.close)
        self._thread.shutdown()

    async def record(self, asked: Sequence[Asked]) -> list[Judgement]:
        """Judge requests and make their records durable; raises StoreError when they may not be."""
        return await self._watched(lambda: self._recorder.record(asked))

    async def claim(self, holder: str, wanted: Sequence[Wanted]) -> list[Outcome]:
        """Give committees to a holder; raises StoreError."""
        recorder = self._recorder
        return await self._watched(lambda: recorder.leasing.claim(recorder.store, recorder.clock(), holder, wanted))

    async def renew(self, held: Sequence[Held]) -> list[Outcome]:
        """Tell holders whether their leases hold; raises StoreError."""
        recorder = self._recorder
        return await self._watched(lambda: recorder.leasing.renew(recorder.store, recorder.clock(), held))

    async def release(self, held: Sequence[Held]) -> list[CommitteeId]:
        """Let holders go of committees; raises StoreError."""
        recorder = self._recorder
        return await self._watched(lambda: recorder.leasing.release(recorder.store, recorder.clock(), held))

    async def quiet(self) -> dict[CommitteeId, Slot]:
        """Return the committees that wait after a cold start, as `Tidied`; raises StoreError."""

        def read() -> dict[CommitteeId, Slot]:
            with self._store.reading() as connection:
                return leases.quiet(connection, self._recorder.clock())

        return await self._watched(read)

    async def journal(self, committees: Collection[CommitteeId], since: Slot) -> list[Work]:
        """Return what is on record as said for committees since a slot; raises StoreError."""

        def read() -> list[Work]:
            with self._store.reading() as connection:
                return journal.entries(connection, self._keys, self.network, committees, since)

        return await self._watched(read)

    async def judging(self, keys: Collection[bytes], work: Callable[[Connection, Slot], T]) -> T:
        """Run `work`, given the signer's slot, in a transaction that alone may touch the records of `keys`.

        It is durable when this returns. Raises StoreError.
        """

        def judge() -> T:
            with self._store.judging(keys) as connection:
                return work(connection, self._recorder.clock())

        return await self._watched(judge)

    async def add_share(self, share: NewShare) -> Added:
        """Hold a share; raises ShareConflict, StoreError."""
        return await self._share_queue.add(share)

    async def remove_share(self, validator_pubkey: BlsPublicKey) -> bool:
        """Let go of a share; False when none was held. Raises StoreError."""

        def remove() -> bool:
            with self._store.alone() as connection:
                held = custody.remove(connection, validator_pubkey)
            if held is not None:
                self._keys.forget(held.share_pubkey)
            return held is not None

        return await self._watched(remove)

    async def shares(self) -> list[ShareRow]:
        """Return the active shares; raises StoreError."""

        def read() -> list[ShareRow]:
            with self._store.reading() as connection:
                return shares.active(connection)

        return await self._watched(read)

    async def owned(self, rows: Sequence[ShareRow]) -> dict[BlsPublicKey, Epoch]:
        """Return the last votes of shares that nobody else can have used; see `holding.owned`. Raises StoreError."""

        def read() -> dict[BlsPublicKey, Epoch]:
            with self._store.reading() as connection:
                return holding.owned(connection, self.network.chain, rows)

        return await self._watched(read)

    async def hold(self, validator_pubkeys: Sequence[BlsPublicKey], epoch: Epoch) -> list[BlsPublicKey]:
        """Let shares sign from `epoch` on, not earlier; returns whose are held longer than before.

        Raises:
            HoldRefused: the epoch is too far ahead.
            StoreError: the database failed.
        """

        def hold() -> list[BlsPublicKey]:
            now = self.network.chain.epoch_of(self._recorder.clock())
            if epoch > now + holding.LONGEST_HOLD_EPOCHS:
                raise HoldRefused(f"epoch {epoch} is more than {holding.LONGEST_HOLD_EPOCHS} after {now}")
            with self._store.alone() as connection:
                return shares.hold(connection, validator_pubkeys, epoch)

        return await self._watched(hold)

    async def watermarks(self, committee: CommitteeId) -> list[tuple[ShareRow, AttestationRecord]]:
        """Return the active shares of a committee with their records, as of one moment; raises StoreError."""

        def read() -> list[tuple[ShareRow, AttestationRecord]]:
            with self._store.reading() as connection:
                rows = shares.active(connection, committee)
                records = watermarks.attestations(connection, [row.share_pubkey for row in rows])
            return [(row, records[row.share_pubkey]) for row in rows if row.share_pubkey in records]

        return await self._watched(read)

    async def export_slashing(self) -> dict[BlsPublicKey, KeyRecord]:
        """Return the slashing records of all keys, as of one moment; raises StoreError."""

        def read() -> dict[BlsPublicKey, KeyRecord]:
            with self._store.reading() as connection:
                return interchange.all_records(connection)

        return await self._watched(read)

    async def import_slashing(
        self,
        records: Mapping[BlsPublicKey, KeyRecord],
        plain_keys: Collection[BlsPublicKey] = (),
        *,
        accept_future: bool,
    ) -> Imported:
        """Merge slashing records into those held; raises SlashingImportRefused, StoreError.

        `plain_keys`: what is held besides shares.
        """
        interchange.check(records, self.network.chain, self._recorder.clock(), accept_future=accept_future)

        def merge() -> Imported:
            with self._store.alone() as connection:
                return interchange.merge(connection, records, plain_keys)

        return await self._watched(merge)

    async def export_history(self, keys: Sequence[BlsPublicKey]) -> list[KeyHistory] | None:
        """Return what keys signed since the last gap, as of one moment; None if that is not kept. Raises StoreError."""

        def read() -> list[KeyHistory] | None:
            with self._store.reading() as connection:
                return interchange.histories(connection, keys) if history.is_kept(connection) else None

        return await self._watched(read)

    async def import_history(
        self, histories: Sequence[KeyHistory], goes_on: Collection[BlsPublicKey], *, accept_future: bool
    ) -> bool:
        """Add to the history what was signed elsewhere; False if none is kept.

        It forbids nothing: `import_slashing` does. Raises SlashingImportRefused, StoreError.
        """
        records = watermark_rules.records_of_keys(histories)
        interchange.check(records, self.network.chain, self._recorder.clock(), accept_future=accept_future)

        def put() -> bool:
            with self._store.alone() as connection:
                kept = history.is_kept(connection)
                if kept:
                    history.put(connection, histories, goes_on=goes_on)
            return kept

        return await self._watched(put)

    async def tidy(self) -> Tidied:
        """Forget what is too old to be signed again, and secrets of shares that are gone; raises StoreError."""

        def tidy() -> Tidied:
            pruned = self._recorder.prune()
            with self._store.reading() as connection:
                active = shares.active_keys(connection)
                quiet = leases.quiet(connection, self._recorder.clock())
            self._keys.keep_only(active)
            return Tidied(pruned, active, self._store.weakness(), quiet)

        return await self._watched(tidy)

    async def _add_shares(self, wanted: Sequence[NewShare]) -> list[ShareOutcome]:
        def add(some: Sequence[NewShare]) -> list[ShareOutcome]:
            with self._store.alone() as connection:
                return taking.add(connection, self._keys, self.network, some, self._recorder.clock())

        def add_all() -> list[ShareOutcome]:
            try:
                return add(wanted)
            except Contradiction:
                if len(wanted) == 1:
                    raise
            return [outcome for share in wanted for outcome in add([share])]

        return await self._watched(add_all)

    async def _watched(self, work: Callable[[], T]) -> T:
        slow = asyncio.get_running_loop().call_later(
            _SLOW_S, self._health.down, f"no answer for {_SLOW_S:.0f} s", self._store.remedy
        )
        try:
            result = await self._call(work)
        except StoreError as error:
            self._health.down(str(error), self._store.remedy)
            if self._store.comes_back:
                self.lost.set()
            raise
        finally:
            slow.cancel()
        self._health.up()
        self.lost.clear()
        return result

    async def _call(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _bind(
    store: Store,
    network: Network,
    operator_key: OperatorPrivateKey,
    now: Clock,
    external_keys: ShareKeys | None,
    keep_history: bool,
    opened: Callable[[int, int], None],
) -> ShareKeys:
    try:
        with store.alone() as connection:
            pins.pin_operator_key(connection, operator_key.public_pem())
            pins.pin_network(connection, network, network.chain.epoch_of(network.chain.slot_at(now())))
            salt = pins.pin_salt(connection, secrets.token_bytes(SALT_BYTES))
            keys = external_keys or Keyring(operator_key, salt, secrets.token_bytes)
            rows = shares.active(connection)
            for number, row in enumerate(rows, start=1):
                keys.check(row)
                if number % PROGRESS_SHARES == 0:
                    opened(number, len(rows))
            (history.keep if keep_history else history.leave_off)(connection, store.history_switch[keep_history])
    except StoreError as error:
        if store.comes_back:
            raise
        raise StartRefused(f"the database can't be used ({error}); {store.remedy}, or restore it") from None
    store.verify = lambda connection: pins.check_salt(connection, salt)
    return keys
