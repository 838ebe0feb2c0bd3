"""The operator's side: accepted messages to the workers, their own messages to the peers, replays to late workers.

Subjects: architecture §3 and proto/ssv/v1/gateway.proto.

Not guaranteed: while the bus is away, accepted messages do not reach workers; they stay in the replay for three slots.
"""

from __future__ import annotations

import asyncio
import contextlib
import time

from ssv_api.v1.gateway_pb2 import PublishReply, ReplayedMessage
from ssv_api.v1.gateway_pb2 import Replay as ReplayAnswer
from ssv_p2p_gateway.gate import Gate
from ssv_p2p_gateway.node import Node
from ssv_p2p_gateway.own_publications import OwnPublications
from ssv_p2p_gateway.replay import Received, Replay
from ssv_p2p_gateway.topic_share import TopicShare
from ssv_p2p_gateway.traffic import Traffic
from ssv_protocol.types.ids import CommitteeId, Instant
from ssv_protocol.validation.verdict import Accept, GossipReason
from ssv_runtime.bus import Bus, BusError, Message
from ssv_runtime.nats_permissions import GOSSIP_IN, GOSSIP_OUT, MAX_PAYLOAD_BYTES, REPLAY
from ssv_runtime.service import Service

RECEIVED_HEADER = "ssv-received-unix-us"
WAITING_LIMIT = 8_192
REPLAY_ANSWER_BYTES = MAX_PAYLOAD_BYTES - 1024 * 1024
"""Of messages in one answer; the rest of the payload is room for what wraps them."""


class BusSide:
    """Serves the bus. `node` is None while there is none; what is not of the `share` another gateway publishes."""

    def __init__(self, bus: Bus, replay: Replay, traffic: Traffic, service: Service, share: TopicShare) -> None:
        self.node: Node | None = None
        self._bus = bus
        self._replay = replay
        self._traffic = traffic
        self._service = service
        self._share = share
        self._waiting: asyncio.Queue[tuple[CommitteeId, Received]] = asyncio.Queue(WAITING_LIMIT)
        self._own = OwnPublications()

    def deliver(self, committee: CommitteeId, received: Received) -> None:
        """Take an accepted message; never blocks and never raises."""
        self._replay.add(committee, received)
        self._traffic.replay_bytes.set(self._replay.bytes)
        try:
            self._waiting.put_nowait((committee, received))
        except asyncio.QueueFull:
            self._traffic.bus_losses.labels("queue_full").inc()

    async def listen(self, gate: Gate) -> None:
        """Serve the workers' requests from now on."""

        async def publish(message: Message) -> None:
            await self._publish(gate, message)

        await self._bus.subscribe(f"{GOSSIP_OUT}.>", publish)
        await self._bus.subscribe(f"{REPLAY}.*", self._answer_replay)

    async def hand_over(self) -> None:
        """Publish accepted messages to the workers until cancelled."""
        while True:
            committee, received = await self._waiting.get()
            try:
                await self._bus.publish(
                    f"{GOSSIP_IN}.{committee.hex()}", received.data, {RECEIVED_HEADER: str(received.unix_us)}
                )
            except BusError as error:
                self._traffic.bus_losses.labels(type(error).__name__).inc()

    async def _publish(self, gate: Gate, message: Message) -> None:
        begun = time.perf_counter()
        topic = message.subject.removeprefix(f"{GOSSIP_OUT}.")
        if not self._share.has(topic):
            return
        peers = self._own.of(topic, message.data)
        if peers:
            self._traffic.repeated_requests.inc()
            await self._answer(message, peers)
            return
        verdict = gate.judge_own(topic, message.data, time.time())
        if not isinstance(verdict, Accept):
            await self._refuse(message, topic, verdict.reason, verdict.detail)
            if verdict.reason is not GossipReason.NO_REGISTRY:
                self._service.log.warning(
                    "an own message is not published", topic=topic, reason=verdict.reason, detail=verdict.detail
                )
            return
        if self.node is None:
            await self._refuse(message, topic, "not_listening")
            return
        peers = self.node.publish(topic, message.data)
        self._traffic.publish_s.observe(time.perf_counter() - begun)
        if peers:
            self._own.add(topic, message.data, peers)
            self._traffic.published(topic)
        else:
            self._traffic.not_published("no_peers")
            if self._share.is_shared:
                return  # the worker takes the first answer, and the other gateway may have peers
        await self._answer(message, peers)

    async def _answer(self, message: Message, peers: int) -> None:
        with contextlib.suppress(BusError):  # the worker asks again, which is harmless
            await message.respond(PublishReply(peers=peers).SerializeToString())

    async def _refuse(self, message: Message, topic: str, reason: str, detail: str = "") -> None:
        self._traffic.not_published(reason)
        error = f"{reason}: {detail}" if detail else reason
        try:
            await message.respond(PublishReply(error=error).SerializeToString())
        except BusError:
            self._service.log.debug("no way to tell a worker that its message was refused", topic=topic)

    async def _answer_replay(self, message: Message) -> None:
        try:
            committee = CommitteeId(bytes.fromhex(message.subject.removeprefix(f"{REPLAY}.")))
        except ValueError:
            self._service.log.warning("replay of what is no committee", subject=message.subject)
            return
        kept = self._replay.of(committee, Instant(time.time()), REPLAY_ANSWER_BYTES)
        answer = ReplayAnswer(
            messages=[ReplayedMessage(message=each.data, received_unix_us=each.unix_us) for each in kept]
        )
        await message.respond(answer.SerializeToString())
