"""Publishing through the gateways: a request on the topic's subject, repeated until somebody says it went to a peer.

A message that is published twice has the same id, so a repetition harms nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Protocol

from google.protobuf.message import DecodeError

from ssv_api.v1.gateway_pb2 import PublishReply
from ssv_protocol.forks import Network
from ssv_protocol.types.ids import Instant, OperatorId, Slot
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.validation.topology import topic_at
from ssv_runtime.bus import BusError, Message
from ssv_runtime.nats_permissions import GOSSIP_OUT

REPEAT_S = 0.5
"""A gateway that works answers within milliseconds; what is on its way is not sent twice, whoever asks again."""


class Requests(Protocol):
    """What is needed of the bus."""

    async def request(self, subject: str, data: bytes, timeout_s: float) -> Message:
        """Return the first answer; raises BusError."""
        ...


class BusGossip:
    """`ports.Gossip` for one committee. `on_answer` is told what is wrong with each try, None for a good one."""

    def __init__(
        self,
        bus: Requests,
        network: Network,
        operator_ids: Collection[OperatorId],
        now: Callable[[], Instant],
        on_answer: Callable[[str | None], None] = lambda problem: None,
    ) -> None:
        self._bus = bus
        self._network = network
        self._operator_ids = operator_ids
        self._now = now
        self._on_answer = on_answer

    async def publish(self, message: SignedSSVMessage, slot: Slot, deadline: Instant) -> bool:
        """Publish until a gateway reports a peer; False when `deadline` came first."""
        subject = f"{GOSSIP_OUT}.{topic_at(self._network, slot, self._operator_ids)}"
        encoded = message.encode()
        while (left_s := deadline - self._now()) > 0:
            since = self._now()
            problem = await self._try(subject, encoded, min(REPEAT_S, left_s))
            self._on_answer(problem)
            if problem is None:
                return True
            await asyncio.sleep(max(0.0, REPEAT_S - (self._now() - since)))
        return False

    async def _try(self, subject: str, encoded: bytes, timeout_s: float) -> str | None:
        """Publish once; return what is wrong, None when it went to at least one peer."""
        try:
            reply = PublishReply.FromString((await self._bus.request(subject, encoded, timeout_s)).data)
        except (BusError, DecodeError, ValueError) as error:
            return str(error) or type(error).__name__
        if reply.error:
            return reply.error
        return None if reply.peers else "the gateway has no peer on the topic"
