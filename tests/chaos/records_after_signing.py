"""A build of the signer with one defect: a batch is judged, signed and answered, and only then committed.

Only the test of kills starts it, to show that it finds such a build. Nothing of it is in the product. Without a kill it
behaves like the product, because a batch is judged only when the one before it is committed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from ssv_signer.batch import Commits
from ssv_signer.signatures import Signed, SigningPool
from ssv_signer.store.database import Connection, Store
from ssv_signer.store.postgres import PostgresStore
from ssv_signer.store.sqlite import SqliteStore
from ssv_signer.vault import Vault
from ssv_signer.work import Work

Judging = Callable[[Any, Iterable[bytes]], AbstractContextManager[Connection]]
_call, _begin = Vault._call, SigningPool.begin
_TURNS = 5
"""Turns of the loop after which everybody who was answered has begun to sign."""


class _Signing:
    """How much is being signed."""

    def __init__(self) -> None:
        self._count = 0
        self._idle = asyncio.Event()

    def begin(self, pool: SigningPool, work: Work, signed: Signed) -> None:
        self._count += 1
        self._idle.clear()

        def signed_and_counted(outcome: bytes | Exception) -> None:
            signed(outcome)
            self._count -= 1
            if not self._count:
                self._idle.set()

        _begin(pool, work, signed_and_counted)

    async def done(self) -> None:
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        if self._count:
            await self._idle.wait()


_open: WeakKeyDictionary[Store, ExitStack] = WeakKeyDictionary()
"""The transaction that waits for its commit."""


def _left_open(judging: Judging) -> Judging:
    @contextmanager
    def late(store: Store, keys: Iterable[bytes]) -> Iterator[Connection]:
        with ExitStack() as stack:
            yield stack.enter_context(judging(store, keys))
            _open[store] = stack.pop_all()

    return late


async def _after_what_is_open(vault: Vault, work: Callable[[], Any]) -> Any:
    def run() -> Any:
        waiting = _open.pop(vault._store, None)
        if waiting is not None:
            waiting.close()
        return work()

    return await _call(vault, run)


def install() -> None:
    """Put the defect in."""
    signing = _Signing()

    def begin(pool: SigningPool, work: Work, signed: Signed) -> None:
        signing.begin(pool, work, signed)

    async def commit(commits: Any, batch: Sequence[Any]) -> None:
        vault: Vault = commits._record.__self__
        judgements = await commits._record([waiting.request for waiting in batch])
        commits.answer(batch, judgements)
        await signing.done()
        await vault._call(lambda: None)

    for owner, name, defect in (
        (Vault, "_call", _after_what_is_open),
        (SqliteStore, "judging", _left_open(SqliteStore.judging)),
        (PostgresStore, "judging", _left_open(PostgresStore.judging)),
        (SigningPool, "begin", begin),
        (Commits, "_commit", commit),
    ):
        setattr(owner, name, defect)
