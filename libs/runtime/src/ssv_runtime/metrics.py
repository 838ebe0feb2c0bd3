"""Metrics of one service, in a registry of its own: several services in one process do not meet in a global one.

Names are `ssv_<service>_<what>_<unit>`; callers give `<what>_<unit>`. Counters get `_total` by convention.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

LATENCY_BUCKETS_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)

_LAG_TICK_S = 0.25
_LAG_DECAY = 0.9


class Metrics:
    """Makes a service's metrics and renders them."""

    def __init__(self, service: str) -> None:
        self.registry = CollectorRegistry()
        self._prefix = f"ssv_{service.replace('-', '_')}"
        ProcessCollector(registry=self.registry)

    def counter(self, name: str, help_text: str, labels: Sequence[str] = ()) -> Counter:
        """Return a new counter `ssv_<service>_<name>_total`."""
        return Counter(f"{self._prefix}_{name}", help_text, labels, registry=self.registry)

    def gauge(self, name: str, help_text: str, labels: Sequence[str] = ()) -> Gauge:
        """Return a new gauge `ssv_<service>_<name>`."""
        return Gauge(f"{self._prefix}_{name}", help_text, labels, registry=self.registry)

    def histogram(
        self, name: str, help_text: str, labels: Sequence[str] = (), buckets: Sequence[float] = LATENCY_BUCKETS_S
    ) -> Histogram:
        """Return a new histogram `ssv_<service>_<name>`; the buckets suit latencies in seconds."""
        return Histogram(f"{self._prefix}_{name}", help_text, labels, registry=self.registry, buckets=buckets)

    def render(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)


async def watch_loop_lag(gauge: Gauge) -> None:
    """Keep `gauge` at the event loop's lag in seconds: a peak that fades, so that a scrape does not miss it."""
    loop = asyncio.get_running_loop()
    peak = 0.0
    while True:
        due = loop.time() + _LAG_TICK_S
        await asyncio.sleep(_LAG_TICK_S)
        peak = max(loop.time() - due, peak * _LAG_DECAY)
        gauge.set(peak)
