"""Discovery as metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from ssv_runtime.metrics import Metrics


class DiscoveryMetrics:
    """Follows one discovery after another."""

    def __init__(self, metrics: Metrics) -> None:
        self._nodes = metrics.gauge("discovery_nodes", "Nodes in the table of a protocol id", ["protocol"])
        self._candidates = metrics.gauge("discovery_candidates", "Nodes that were found and could be dialled")
        self._events = metrics.counter("discovery_events", "Packets, requests and drops of discovery", ["what"])
        self._dials = metrics.counter("discovery_dials", "Dials of nodes that were found", ["result"])
        self._before: Counter[str] = Counter()
        self._counts: Counter[str] | None = None

    def follow(self, counts: Counter[str], table_sizes: Mapping[str, int], candidates: int) -> None:
        """Take over what was counted since the last time."""
        if counts is not self._counts:
            self._counts, self._before = counts, Counter()
        for what, count in (counts - self._before).items():
            self._events.labels(what).inc(count)
        self._before = Counter(counts)
        for protocol, size in table_sizes.items():
            self._nodes.labels(protocol).set(size)
        self._candidates.set(candidates)

    def dialled(self, *, failed: bool) -> None:
        """Count a dial."""
        self._dials.labels("failed" if failed else "connected").inc()
