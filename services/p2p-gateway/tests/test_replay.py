from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.support.gateway_messages import network_from_now

from ssv_p2p_gateway.replay import Received, Replay
from ssv_protocol.types.ids import CommitteeId, Instant

CHAIN = network_from_now().chain
A, B = CommitteeId(b"\x0a" * 32), CommitteeId(b"\x0b" * 32)
MANY = 10**9


def at(slots: float) -> Instant:
    return Instant(CHAIN.genesis_time_s + slots * CHAIN.slot_duration_s)


def received(slots: float, data: bytes = b"data") -> Received:
    return Received(data, int(at(slots) * 1e6))


def test_the_running_slot_and_the_two_before_are_kept_in_order() -> None:
    replay = Replay(CHAIN, MANY)
    came = [received(slots, bytes([int(10 * slots)])) for slots in (5.0, 5.9, 6.5, 7.1)]
    for each in came:
        replay.add(A, each)
    replay.add(B, received(7.2, b"other"))
    assert replay.of(A, at(7.9), MANY) == came
    assert replay.of(A, at(8.0), MANY) == came[2:]
    assert replay.of(A, at(9.5), MANY) == came[3:]
    assert replay.of(B, at(9.9), MANY) == [received(7.2, b"other")]
    assert replay.of(A, at(10.0), MANY) == []
    assert replay.of(B, at(10.0), MANY) == []
    assert replay.bytes == 0


def test_the_oldest_go_when_memory_is_full() -> None:
    replay = Replay(CHAIN, max_bytes=100)
    for number in range(10):
        replay.add(A if number % 2 else B, received(1.0 + number / 100, bytes([number]) * 30))
    kept = replay.of(A, at(1.5), MANY) + replay.of(B, at(1.5), MANY)
    assert sorted(each.data[0] for each in kept) == [7, 8, 9]
    assert replay.bytes == 90


def test_an_answer_that_would_be_too_large_has_the_newest() -> None:
    replay = Replay(CHAIN, MANY)
    for number in range(5):
        replay.add(A, received(1.0 + number / 100, bytes([number]) * 30))
    assert [each.data[0] for each in replay.of(A, at(1.5), max_bytes=70)] == [3, 4]


@given(st.lists(st.tuples(st.floats(0, 2, allow_nan=False), st.sampled_from([A, B]), st.integers(0, 40)), max_size=60))
def test_memory_is_bounded_and_counted_whatever_comes(
    steps: list[tuple[float, CommitteeId, int]],
) -> None:
    replay = Replay(CHAIN, max_bytes=120)
    now = 1.0
    for pause, committee, size in steps:
        now += pause
        replay.add(committee, received(now, bytes(size)))
        kept = [each for committee in (A, B) for each in replay.of(committee, at(now), MANY)]
        assert replay.bytes == sum(len(each.data) for each in kept) <= 120
        assert all(each.unix_us >= at(int(now) - 2) * 1e6 - 1 for each in kept)
