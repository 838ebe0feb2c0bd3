"""trio as a guest of asyncio, on one thread: libp2p speaks trio, the rest of the service asyncio.

Both sides may read each other's values freely, for only one runs at a time. To run something on trio's side, asyncio
goes through a `Portal`; trio's side may set asyncio's futures and queues directly.

One thread can have one guest, so a process can hold one gateway.

Source: trio's documentation, "Using guest mode to run Trio on top of other event loops".
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import outcome
import trio

T = TypeVar("T")


async def run_trio(main: Callable[[], Awaitable[T]]) -> T:
    """Run `main` in trio and return its result; to be awaited in asyncio.

    A cancellation is passed on, and waited for.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[outcome.Outcome[T]] = loop.create_future()
    token: trio.lowlevel.TrioToken | None = None
    scope = trio.CancelScope()

    async def guest() -> T:
        nonlocal token
        token = trio.lowlevel.current_trio_token()
        with scope:
            return await main()
        raise trio.ClosedResourceError("cancelled")

    def run_soon(work: Callable[[], None]) -> None:
        loop.call_soon_threadsafe(work)

    trio.lowlevel.start_guest_run(
        guest,
        run_sync_soon_threadsafe=run_soon,
        done_callback=done.set_result,
        host_uses_signal_set_wakeup_fd=True,
        restrict_keyboard_interrupt_to_checkpoints=True,
    )
    try:
        return (await asyncio.shield(done)).unwrap()
    except asyncio.CancelledError:
        if token is None:
            scope.cancel()  # it has not begun, and will end when it does
        else:
            token.run_sync_soon(scope.cancel)
        await done
        raise


class Portal:
    """From asyncio into a nursery of trio. Made in trio."""

    def __init__(self, nursery: trio.Nursery, loop: asyncio.AbstractEventLoop) -> None:
        self._nursery = nursery
        self._loop = loop
        self._token = trio.lowlevel.current_trio_token()

    def call(self, work: Callable[[], Awaitable[T]]) -> asyncio.Future[T]:
        """Run `work` in trio; the future has its result or its failure, and is cancelled when the guest ends first.

        Trio may begin two calls in either order.

        Raises:
            trio.RunFinishedError: the guest has ended.
        """
        result: asyncio.Future[T] = self._loop.create_future()

        async def run() -> None:
            try:
                answer = await work()
            except Exception as error:
                if not result.done():
                    result.set_exception(error)
            else:
                if not result.done():
                    result.set_result(answer)
            finally:
                result.cancel()  # of no effect but when the guest ends, alone or in a group of exceptions

        self._token.run_sync_soon(self._start, run)
        return result

    def _start(self, run: Callable[[], Awaitable[None]]) -> None:
        self._nursery.start_soon(run)
