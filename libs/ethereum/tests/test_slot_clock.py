import asyncio

import pytest

from ssv_ethereum.slot_clock import SlotClock
from ssv_protocol.beacon_chain import BeaconChain, BeaconFork, ScheduledFork
from ssv_protocol.types.ids import Epoch, ForkVersion, Instant, Root, Slot

CHAIN = BeaconChain(
    genesis_time_s=1_000,
    genesis_validators_root=Root(bytes(32)),
    slot_duration_s=6.0,
    slots_per_epoch=8,
    epochs_per_sync_committee_period=8,
    sync_committee_size=512,
    forks=(ScheduledFork(BeaconFork.PHASE0, ForkVersion(bytes(4)), Epoch(0)),),
)


class FakeTime:
    """Time that passes only by sleeping; every sleep may come out a little wrong."""

    def __init__(self, now_s: float, error_s: float = 0.0) -> None:
        self.now_s = now_s
        self.error_s = error_s
        self.sleeps: list[float] = []

    def clock(self) -> SlotClock:
        return SlotClock(CHAIN, lambda: self.now_s, self._sleep)

    async def _sleep(self, duration_s: float) -> None:
        self.sleeps.append(duration_s)
        self.now_s += max(1e-6, duration_s + self.error_s)


async def ticks(time: FakeTime, count: int, work_s: float = 0.0) -> list[tuple[Slot, float]]:
    seen = []
    async for slot in time.clock().ticks():
        seen.append((slot, time.now_s))
        if len(seen) == count:
            break
        time.now_s += work_s
    return seen


@pytest.mark.parametrize("error_s", [0.0, 0.003, -0.003])
def test_ticks_do_not_drift(error_s: float) -> None:
    seen = asyncio.run(ticks(FakeTime(1_001.0, error_s), 500))
    assert [slot for slot, _ in seen] == list(range(1, 501))
    assert all(0 <= at_s - CHAIN.slot_start(slot) <= 0.0031 for slot, at_s in seen)


def test_ticks_begin_with_genesis_if_it_is_to_come() -> None:
    assert asyncio.run(ticks(FakeTime(990.0), 2)) == [(0, 1_000.0), (1, 1_006.0)]


def test_work_longer_than_a_slot_skips_to_the_slot_that_runs() -> None:
    seen = asyncio.run(ticks(FakeTime(1_000.5), 3, work_s=13.0))
    assert [slot for slot, _ in seen] == [1, 3, 5]


def test_no_slot_comes_twice_when_time_goes_back() -> None:
    async def scenario() -> list[Slot]:
        time = FakeTime(1_001.0)
        seen = []
        async for slot in time.clock().ticks():
            seen.append(slot)
            if len(seen) == 3:
                return seen
            time.now_s -= 9.0
        raise AssertionError

    assert asyncio.run(scenario()) == [1, 2, 3]


def test_a_wait_looks_at_the_time_again_and_again() -> None:
    time = FakeTime(1_000.0)
    asyncio.run(time.clock().wait_until(Instant(1_010.5)))
    assert time.now_s == 1_010.5
    assert max(time.sleeps) <= 1.0


def test_a_wait_for_the_past_is_no_wait() -> None:
    time = FakeTime(1_000.0)
    asyncio.run(time.clock().wait_for_slot(Slot(0), -3.0))
    assert time.sleeps == []


def test_the_present_slot() -> None:
    assert FakeTime(900.0).clock().slot() == 0
    assert FakeTime(1_011.9).clock().slot() == 1
    assert FakeTime(1_012.0).clock().slot() == 2
