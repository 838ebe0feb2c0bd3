"""The gate between gossip and the operator: validates, counts, and passes on what is accepted.

Invariant: nothing reaches the bus, and nothing is forwarded to peers, that did not pass here. A fault of the check
itself drops the message and never ends the service.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from structlog.typing import FilteringBoundLogger

from ssv_p2p_gateway.replay import Received
from ssv_p2p_gateway.traffic import Traffic
from ssv_protocol.forks import Network
from ssv_protocol.types.ids import CommitteeId, Instant
from ssv_protocol.validation.directory import Directory
from ssv_protocol.validation.gossip import validate
from ssv_protocol.validation.verdict import Accept, GossipReason, GossipVerdict, Ignore, Reject

Deliver = Callable[[CommitteeId, Received], None]


class Gate:
    """Judges messages. `directory` is None until the registry is known."""

    def __init__(self, network: Network, traffic: Traffic, log: FilteringBoundLogger, deliver: Deliver) -> None:
        self.directory: Directory | None = None
        self._network = network
        self._traffic = traffic
        self._log = log
        self._deliver = deliver

    def came(
        self, topics: Sequence[str], data: bytes, author: bytes, *, signed: bool, peer: bytes = b""
    ) -> GossipVerdict:
        """Take a message from a peer; tell what to do with it. Never raises.

        The network's peers say who published a message and do not sign it: `author` is a peer id, `signed` whether
        there is a pubsub signature or key (ssvlabs/ssv network/topics, StrictNoSign with author). `peer` is the id of
        the peer that brought it.
        """
        at = time.time()
        verdict = _pubsub_rules(topics, author, signed=signed) or self.judge(topics[0], data, at)
        if not isinstance(verdict, Accept):
            self._traffic.refused(verdict)
            self._log.debug("refused a message", verdict=type(verdict).__name__, reason=verdict.reason,
                            detail=verdict.detail)  # fmt: skip
            return verdict
        self._traffic.accepted(topics[0])
        self._deliver(verdict.committee_id, Received(data, int(at * 1e6)))
        return verdict

    def judge(self, topic: str, data: bytes, at: float) -> GossipVerdict:
        """Validate a message; one that the check itself fails on is ignored."""
        begun = time.perf_counter()
        try:
            return validate(self._network, self.directory, topic, data, Instant(at))
        except Exception as error:
            self._log.exception("validation failed", topic=topic)
            return Ignore(GossipReason.FAULT, type(error).__name__)
        finally:
            self._traffic.validation_s.observe(time.perf_counter() - begun)


def _pubsub_rules(topics: Sequence[str], author: bytes, *, signed: bool) -> Reject | None:
    if len(topics) != 1:
        return Reject(GossipReason.PUBSUB_TOPICS, f"{len(topics)}")
    if signed:
        return Reject(GossipReason.PUBSUB_SIGNATURE)
    if not author:
        return Reject(GossipReason.PUBSUB_AUTHOR)
    return None
