"""A mapping of bounded size whose entries may also age.

Everything that a stranger can make us remember lives in one of these.
"""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Lru(Generic[K, V]):
    """The `capacity` entries used last, none older than `ttl_s` seconds of the caller's clock."""

    def __init__(self, capacity: int, ttl_s: float = float("inf")) -> None:
        self._capacity = capacity
        self._ttl_s = ttl_s
        self._entries: OrderedDict[K, tuple[V, float]] = OrderedDict()

    def get(self, key: K, now: float = 0.0) -> V | None:
        """Return what is stored and still young, and count it as used."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if now - entry[1] > self._ttl_s:
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return entry[0]

    def put(self, key: K, value: V, now: float = 0.0) -> None:
        """Store a value, at the price of the one unused for longest when there is no room."""
        self._entries[key] = (value, now)
        self._entries.move_to_end(key)
        if len(self._entries) > self._capacity:
            self._entries.popitem(last=False)

    def pop(self, key: K) -> V | None:
        """Forget a key; return what it held, however old."""
        entry = self._entries.pop(key, None)
        return None if entry is None else entry[0]

    def items(self, now: float = 0.0) -> Iterator[tuple[K, V]]:
        """Return a snapshot of the young entries, the one unused for longest first."""
        return iter([(key, value) for key, (value, at) in self._entries.items() if now - at <= self._ttl_s])

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: object) -> bool:
        return key in self._entries
