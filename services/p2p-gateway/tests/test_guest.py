from __future__ import annotations

import asyncio

import pytest
import trio
import trio.lowlevel

from ssv_p2p_gateway.guest import Portal, run_trio

pytestmark = pytest.mark.asyncio


async def test_a_result_and_a_failure_come_back() -> None:
    async def good() -> int:
        await trio.lowlevel.checkpoint()
        return 7

    async def bad() -> int:
        await trio.lowlevel.checkpoint()
        raise ValueError("of the guest")

    assert await run_trio(good) == 7
    with pytest.raises(ValueError, match="of the guest"):
        await run_trio(bad)


async def test_a_cancelled_guest_cleans_up_before_the_host_goes_on() -> None:
    cleaned: list[bool] = []
    begun = asyncio.Event()

    async def guest() -> None:
        try:
            begun.set()
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await trio.lowlevel.checkpoint()
            cleaned.append(True)

    running = asyncio.create_task(run_trio(guest))
    await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert cleaned == [True]
    await run_trio(trio.lowlevel.checkpoint)  # the thread is free for another guest


async def test_a_guest_cancelled_at_once_does_not_stay() -> None:
    running = asyncio.create_task(run_trio(trio.sleep_forever))
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await run_trio(trio.lowlevel.checkpoint)


async def test_work_goes_through_the_portal() -> None:
    opened: asyncio.Future[Portal] = asyncio.get_running_loop().create_future()

    async def guest() -> None:
        async with trio.open_nursery() as nursery:
            opened.set_result(Portal(nursery, asyncio.get_running_loop()))
            await trio.sleep_forever()

    running = asyncio.create_task(run_trio(guest))
    portal = await opened
    begun: list[int] = []

    def numbered(number: int) -> asyncio.Future[int]:
        async def work() -> int:
            begun.append(number)
            await trio.lowlevel.checkpoint()
            return number

        return portal.call(work)

    async def bad() -> None:
        raise ValueError("of the work")

    assert await asyncio.gather(*map(numbered, range(20))) == sorted(begun) == list(range(20))
    with pytest.raises(ValueError, match="of the work"):
        await portal.call(bad)
    assert await numbered(21) == 21  # a failure ends nothing else

    unfinished = portal.call(trio.sleep_forever)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert unfinished.cancelled()
    with pytest.raises(trio.RunFinishedError):
        await numbered(22)
