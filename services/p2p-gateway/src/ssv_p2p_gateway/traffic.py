"""What came, went and was dropped: metrics, and the sums that `Gateway.Peers` tells."""

from __future__ import annotations

from collections import Counter

from ssv_gossipsub import Router
from ssv_p2p_gateway.gossip.metrics import RouterMetrics
from ssv_p2p_gateway.transport.connection import Meter
from ssv_protocol.validation.verdict import Ignore, Refusal
from ssv_runtime.metrics import Metrics

VALIDATION_BUCKETS_S = (0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1)


class Traffic:
    """Counts gossip messages."""

    def __init__(self, metrics: Metrics) -> None:
        self.accepted_by_topic: Counter[str] = Counter()
        self.refused_by_reason: Counter[str] = Counter()
        self._accepted = metrics.counter("gossip_accepted", "Messages of peers that passed validation", ["topic"])
        self._refused = metrics.counter("gossip_refused", "Messages of peers that did not", ["verdict", "reason"])
        self._spared = metrics.counter("gossip_spared", "Rejections that blame nobody here, so ignores", ["reason"])
        self.withheld = metrics.counter("gossip_withheld", "Accepted messages not forwarded: they contradict what was")
        self._published = metrics.counter("gossip_published", "Own messages given to peers", ["topic"])
        self._not_published = metrics.counter("gossip_not_published", "Own messages not given to peers", ["reason"])
        self.repeated_requests = metrics.counter("repeated_requests", "Requests to publish what is on its way already")
        self._handshakes = metrics.counter("handshakes", "Handshakes with peers by how they ended", ["result"])
        self._router_metrics = RouterMetrics(metrics)
        self._bytes_sent = metrics.counter("sent_bytes", "Bytes sent to peers, encryption included, mplex not")
        self._bytes_received = metrics.counter("received_bytes", "Bytes of peers, encryption included, mplex not")
        self.bus_losses = metrics.counter("bus_losses", "Accepted messages that the bus did not take", ["reason"])
        self.validation_s = metrics.histogram(
            "validation_seconds", "Validation of a message", buckets=VALIDATION_BUCKETS_S
        )
        self.publish_s = metrics.histogram("publish_seconds", "From the worker's request to the peers' send queues")
        self.registry_fresh = metrics.gauge("registry_fresh", "Whether the registry is believed to be the chain's")
        self.duties_epoch = metrics.gauge("duties_epoch", "Newest epoch whose proposers and sync committee are known")
        self.validators = metrics.gauge("known_validators", "SSV validators that the beacon chain is known to know")
        self.gateways = metrics.gauge("gateways", "Gateways of this operator that share its topics; 0: one alone")
        self.peers = metrics.gauge("peers", "Connected peers that speak gossip")
        self.topics = metrics.gauge("topics", "Subscribed topics")
        self.replay_bytes = metrics.gauge("replay_bytes", "Size of the messages kept for workers that come late")

    def accepted(self, topic: str) -> None:
        """Count a message that workers get."""
        self.accepted_by_topic[topic] += 1
        self._accepted.labels(topic).inc()

    def refused(self, refusal: Refusal) -> None:
        """Count a message that nobody gets."""
        self.refused_by_reason[refusal.reason] += 1
        verdict = "ignore" if isinstance(refusal, Ignore) else "reject"
        self._refused.labels(verdict, refusal.reason).inc()
        if isinstance(refusal, Ignore) and refusal.spared:
            self._spared.labels(refusal.reason).inc()

    def handshake(self, result: str) -> None:
        """Count a handshake that ended."""
        self._handshakes.labels(result).inc()

    def follow(self, router: Router, meter: Meter) -> None:
        """Take over what a router has counted since the last time, and how its meshes and peers are."""
        self._router_metrics.follow(router)
        self._bytes_sent.inc(meter.sent)
        self._bytes_received.inc(meter.received)
        meter.sent = meter.received = 0

    def published(self, topic: str) -> None:
        """Count an own message that peers got."""
        self._published.labels(topic).inc()

    def not_published(self, reason: str) -> None:
        """Count an own message that no peer got."""
        self._not_published.labels(reason).inc()
