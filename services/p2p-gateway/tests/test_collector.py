from __future__ import annotations

import gc
from collections.abc import Iterator
from weakref import ref

import pytest

from ssv_p2p_gateway.collector import settle


class Ring:
    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    threshold = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*threshold)


def test_what_was_there_is_not_looked_at_again_and_what_comes_later_is_collected() -> None:
    old = Ring()
    gone_before = ref(Ring())
    settle()
    assert gone_before() is None
    assert all(thing is not old for thing in gc.get_objects())
    gone_later = ref(Ring())
    assert gone_later() is not None
    gc.collect()
    assert gone_later() is None
