"""The API's metrics."""

from __future__ import annotations

from ssv_runtime.metrics import Metrics

_COUNTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


class RemoteMeters:
    """Requests by type and status, refusals by reason, and their batches."""

    def __init__(self, metrics: Metrics) -> None:
        self.requests = metrics.counter("remote_requests", "Requests of the remote-signing API", ["type", "status"])
        self.denials = metrics.counter("remote_denials", "Such requests that a rule refused", ["reason"])
        self.batch = metrics.histogram("remote_batch_requests", "Such requests in one transaction", buckets=_COUNTS)
        self.commit_s = metrics.histogram("remote_commit_seconds", "Judging them and making their records durable")
        self.queue = metrics.gauge("remote_queue_requests", "Such requests that wait for a transaction")
