"""The gate between gossip and the operator: validates, counts, and passes on what is accepted.

RSA signatures are verified here, on the loop: a thread would take longer (README has the figures).

Invariant: nothing reaches the bus, and nothing is forwarded to peers, that did not pass here. A fault of the check
itself drops the message and never ends the service.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial

from structlog.typing import FilteringBoundLogger

from ssv_p2p_gateway.replay import Received
from ssv_p2p_gateway.traffic import Traffic
from ssv_p2p_gateway.world import World
from ssv_protocol.types.ids import CommitteeId, Instant
from ssv_protocol.validation.gossip import validate, validate_own
from ssv_protocol.validation.history import Histories
from ssv_protocol.validation.verdict import Accept, GossipReason, GossipVerdict, Refusal, refuse

Deliver = Callable[[CommitteeId, Received], None]
_LIFE_EPOCHS = 2
"""A message can be late by one epoch and a few slots."""


class Gate:
    """Judges messages by what `world` knows and by what has come before."""

    def __init__(self, world: World, traffic: Traffic, log: FilteringBoundLogger, deliver: Deliver) -> None:
        self._world = world
        self._histories = Histories()
        self._forgotten_at = 0.0
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
        verdict = _pubsub_rules(topics, author, signed=signed) or self._judge_heard(
            peer, topics[0], data, at, is_author=author == peer
        )
        if not isinstance(verdict, Accept):
            self._traffic.refused(verdict)
            self._log.debug("refused a message", verdict=type(verdict).__name__, reason=verdict.reason,
                            detail=verdict.detail)  # fmt: skip
            return verdict
        self._traffic.accepted(topics[0])
        if not verdict.forward:
            self._traffic.withheld.inc()
        self._deliver(verdict.committee_id, Received(data, int(at * 1e6)))
        return verdict

    def judge_own(self, topic: str, data: bytes, at: float) -> GossipVerdict:
        """Tell whether an own message may be published. Never raises."""
        knowledge = self._world.knowledge(Instant(at))
        return self._measured(topic, partial(validate_own, knowledge, self._histories, topic, data, Instant(at)))

    def _judge_heard(self, peer: bytes, topic: str, data: bytes, at: float, *, is_author: bool) -> GossipVerdict:
        knowledge = self._world.knowledge(Instant(at))
        self._forget(at)
        check = partial(validate, knowledge, self._histories, peer, topic, data, Instant(at), is_author=is_author)
        return self._measured(topic, check)

    def _measured(self, topic: str, check: Callable[[], GossipVerdict]) -> GossipVerdict:
        begun = time.perf_counter()
        try:
            return check()
        except Exception as error:
            self._log.exception("validation failed", topic=topic)
            return refuse(GossipReason.FAULT, type(error).__name__)
        finally:
            self._traffic.validation_s.observe(time.perf_counter() - begun)

    def _forget(self, at: float) -> None:
        """Forget once a slot what no message can repeat any more."""
        chain = self._world.network.chain
        if at - self._forgotten_at >= chain.slot_duration_s:
            self._forgotten_at = at
            self._histories.forget_before(Instant(at - _LIFE_EPOCHS * chain.slots_per_epoch * chain.slot_duration_s))


def _pubsub_rules(topics: Sequence[str], author: bytes, *, signed: bool) -> Refusal | None:
    if len(topics) != 1:
        return refuse(GossipReason.PUBSUB_TOPICS, f"{len(topics)}")
    if signed:
        return refuse(GossipReason.PUBSUB_SIGNATURE)
    if not author:
        return refuse(GossipReason.PUBSUB_AUTHOR)
    return None
