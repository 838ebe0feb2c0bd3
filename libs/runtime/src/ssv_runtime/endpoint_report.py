"""What a service tells of the Ethereum nodes that it uses: which are good, how fast they are, what is wrong with one.

A node's change is logged once, by its name. The service depends on any one of them being good.
"""

from __future__ import annotations

from structlog.typing import FilteringBoundLogger

from ssv_runtime.health import Dependency
from ssv_runtime.metrics import Metrics

GOOD = "good"


class EndpointReport:
    """Nodes of one kind, such as `beacon`.

    `dependency` is up while one of them is good; `remedy` says what to do when none is.
    """

    def __init__(
        self, kind: str, log: FilteringBoundLogger, metrics: Metrics, dependency: Dependency, remedy: str
    ) -> None:
        self._kind = kind
        self._log = log
        self._remedy = remedy
        self._dependency = dependency
        self._standings: dict[str, tuple[str, str]] = {}
        self._is_good = metrics.gauge(f"{kind}_node_good", "1 when the node can be relied on", ["endpoint"])
        self._seconds = metrics.histogram(f"{kind}_request_seconds", "Requests to a node", ["endpoint"])
        self._failed = metrics.counter(f"{kind}_failed_requests", "Requests that brought nothing", ["endpoint"])

    def asked(self, endpoint: str, seconds: float, *, failed: bool) -> None:
        """A request to the node ended."""
        self._seconds.labels(endpoint).observe(seconds)
        if failed:
            self._failed.labels(endpoint).inc()

    def looked(self, endpoint: str, standing: str, problem: str) -> None:
        """The node was looked at; the same may be told again."""
        self._is_good.labels(endpoint).set(standing == GOOD)
        before = self._standings.get(endpoint)
        self._standings[endpoint] = (standing, problem)
        if before is not None and before[0] == standing:
            return
        if standing == GOOD:
            self._log.info(f"{self._kind} node is good", endpoint=endpoint)
        else:
            self._log.warning(f"{self._kind} node is not good", endpoint=endpoint, standing=standing, reason=problem)

    def usable(self, problem: str | None) -> None:
        """All nodes were looked at; `problem` says why none is good, None when one is."""
        if problem is None:
            self._dependency.up()
        else:
            self._dependency.down(problem, self._remedy)
