"""Rates and bounded memory."""

from hypothesis import given
from hypothesis import strategies as st

from ssv_discv5.endpoint import Endpoint, plain
from ssv_discv5.lru import Lru
from ssv_discv5.rate_limit import MAX_ADDRESSES, Rate, RateLimit

LOUD, QUIET = Endpoint.of("9.9.9.9", 1).ip, Endpoint.of("8.8.8.8", 1).ip


def test_one_loud_address_spends_its_own_tokens() -> None:
    limit = RateLimit(Rate(per_s=10, burst=20), Rate(per_s=100, burst=50))
    assert sum(limit.admit(LOUD, 0.0) for _ in range(1000)) == 20
    assert sum(limit.admit(QUIET, 0.0) for _ in range(5)) == 5
    assert sum(limit.admit(LOUD, 1.0) for _ in range(1000)) == 10


def test_all_together_are_limited_and_remembered_in_bounds() -> None:
    limit = RateLimit(Rate(per_s=10, burst=20), Rate(per_s=100, burst=50))
    sources = [Endpoint.of(f"7.{n // 250}.{n % 250}.1", 1).ip for n in range(2 * MAX_ADDRESSES)]
    assert sum(limit.admit(ip, 0.0) for ip in sources) == 50
    assert len(limit._addresses) == MAX_ADDRESSES


def test_a_host_with_many_ipv6_addresses_is_one() -> None:
    limit = RateLimit(Rate(per_s=1, burst=2), Rate(per_s=100, burst=100))
    assert sum(limit.admit(Endpoint.of(f"2001:db8::{n:x}", 1).ip, 0.0) for n in range(50)) == 2


def test_a_mapped_address_is_the_ipv4_address() -> None:
    assert Endpoint.of("::ffff:9.9.9.9", 1).ip == plain(LOUD) == LOUD


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.booleans(), st.floats(0, 10)), max_size=60))
def test_lru_agrees_with_a_plain_list(steps: list[tuple[str, bool, float]]) -> None:
    lru: Lru[str, float] = Lru(3, ttl_s=2)
    model: list[tuple[str, float]] = []
    now = 0.0
    for key, write, pause in steps:
        now += pause
        if write:
            lru.put(key, now, now)
            model = [(k, at) for k, at in model if k != key] + [(key, now)]
            model = model[-3:]
        else:
            expected = next((at for k, at in model if k == key and now - at <= 2), None)
            assert lru.get(key, now) == expected
            model = [(k, at) for k, at in model if k != key] + ([(key, expected)] if expected is not None else [])
        assert len(lru) <= 3
