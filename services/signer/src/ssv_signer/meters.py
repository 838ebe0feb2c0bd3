"""The signer's metrics."""

from __future__ import annotations

from ssv_runtime.metrics import Metrics

_COUNTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


class Meters:
    """`requests` by kind and verdict, the batch and its commit, signing, and who waits."""

    def __init__(self, metrics: Metrics) -> None:
        self.requests = metrics.counter("requests", "Requests to sign, by verdict", ["kind", "verdict"])
        self.denials = metrics.counter("denials", "Requests and duties that a rule refused", ["reason"])
        self.batch = metrics.histogram("batch_requests", "Requests in one transaction", buckets=_COUNTS)
        self.commit_s = metrics.histogram("commit_seconds", "Judging a batch and making its records durable")
        self.signing_s = metrics.histogram("signing_seconds", "Making the signatures of one request", ["kind"])
        self.queue = metrics.gauge("queue_requests", "Requests that wait for a transaction")
        self.quiet = metrics.gauge("committees_quiet", "Committees that wait after a cold start")
        self.shares = metrics.gauge("shares_active", "Shares that may sign")
