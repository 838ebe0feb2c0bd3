"""The stores that the vectors run on, by name: each gives an empty one for a vector."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from tests.interchange.replay import MemoryStore, RecordStore


@contextmanager
def _memory() -> Iterator[RecordStore]:
    yield MemoryStore()


STORES: dict[str, Callable[[], AbstractContextManager[RecordStore]]] = {"rules": _memory}
