from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from ssv_runtime.membership import ranked

NAMES = st.sets(st.from_regex(r"[a-z0-9-]{1,8}", fullmatch=True), min_size=1, max_size=8)


@given(NAMES, st.text(max_size=20))
def test_the_order_of_asking_is_of_no_account(members: set[str], key: str) -> None:
    assert ranked(key, sorted(members)) == ranked(key, sorted(members, reverse=True))


@given(NAMES, st.text(max_size=20), st.data())
def test_who_leaves_changes_nothing_for_those_who_stay(members: set[str], key: str, data: st.DataObject) -> None:
    gone = data.draw(st.sampled_from(sorted(members)))
    assert ranked(key, members - {gone}) == [member for member in ranked(key, members) if member != gone]


def test_everybody_gets_a_fair_part() -> None:
    first = Counter(ranked(f"ssv.v2.{subnet}", ["a", "b", "c", "d"])[0] for subnet in range(128))
    assert first.keys() == {"a", "b", "c", "d"}
    assert max(first.values()) < 2 * 128 / 4
