import asyncio

from ssv_ethereum.backoff import Backoff


def test_pauses_double_up_to_the_limit_and_begin_anew() -> None:
    slept: list[float] = []

    async def sleep(duration_s: float) -> None:
        slept.append(duration_s)

    async def scenario() -> None:
        backoff = Backoff(0.5, 3.0, sleep)
        for _ in range(5):
            await backoff.pause()
        backoff.reset()
        await backoff.pause()

    asyncio.run(scenario())
    assert slept == [0.5, 1.0, 2.0, 3.0, 3.0, 0.5]
