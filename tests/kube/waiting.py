"""Waiting for what other processes do: looked at again and again, with a limit that is no assertion about time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
LIMIT_S = 60.0
_LOOK_S = 0.1


def eventually(look: Callable[[], T], what: str, limit_s: float = LIMIT_S) -> T:
    """Return what `look` returns, once that is true; fails with the last answer after the limit."""
    give_up = time.monotonic() + limit_s
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > give_up:
            raise AssertionError(f"{what}: not in {limit_s:g} s; it is {found!r}")
        time.sleep(_LOOK_S)
