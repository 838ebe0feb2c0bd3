"""The stock GossipSub router of py-libp2p 0.8.1, made fit for the network. Another router will replace it.

Each change names the defect that it works around. What can be overridden is overridden; what only module constants
decide is set once, in `_patch_modules`, for all hosts of the process.

Not repaired, because only a router of our own can: peer scores are not those of the specification, so bad peers are
not disconnected; peers that pruned us get no IHAVE; there is no flood publishing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Protocol

from libp2p.abc import IHost
from libp2p.custom_types import TProtocol
from libp2p.identity.identify import identify
from libp2p.peer.id import ID
from libp2p.pubsub import gossipsub, pubsub, rpc_queue
from libp2p.pubsub.gossipsub import GossipSub
from libp2p.pubsub.mcache import CacheEntry, MessageCache
from libp2p.pubsub.pb import rpc_pb2
from libp2p.pubsub.pubsub import Pubsub

from ssv_p2p_gateway.message_id import message_id
from ssv_protocol.validation.limits import MAX_MESSAGE_BYTES
from ssv_protocol.validation.verdict import Accept, GossipVerdict

AGENT = "ssv-py"
PROTOCOLS = (TProtocol("/meshsub/1.1.0"), TProtocol("/meshsub/1.0.0"))
NETWORK_DEGREE = 8
HEARTBEAT_S = 0.7
HISTORY_GOSSIP, HISTORY_LENGTH = 4, 6
SEEN_S, SEEN_SWEEP_S = 385, 60
MAX_SUBSCRIPTIONS = 129
QUEUE_LENGTH = 512
MAX_RPC_BYTES = MAX_MESSAGE_BYTES + 64 * 1024
"""One message of the largest size, and what pubsub wraps it in."""
READ_BYTES = 64 * 1024


class Gate(Protocol):
    """Who decides about a message of a peer, and takes it when it is good."""

    def came(
        self, topics: Sequence[str], data: bytes, author: bytes, *, signed: bool, peer: bytes = b""
    ) -> GossipVerdict:
        """Tell what to do with it. Never raises."""


@cache
def _patch_modules() -> None:
    # The queue of RPCs to a peer holds 32, without a setting: a burst of one slot overflows it. And it drops what is
    # over 1 MiB, which proposals are.
    class LongQueue(rpc_queue.RpcQueue):
        def __init__(self) -> None:
            super().__init__(QUEUE_LENGTH, MAX_RPC_BYTES)

    pubsub.RpcQueue = LongQueue  # type: ignore[attr-defined,assignment]

    # Every RPC carries a peer record that is signed anew, 0.4 ms of CPU, and that go-libp2p does not read.
    def no_record(_host: IHost) -> tuple[bytes, bool]:
        return b"", False

    pubsub.env_to_send_in_RPC = no_record  # type: ignore[attr-defined,assignment]
    gossipsub.env_to_send_in_RPC = no_record  # type: ignore[attr-defined,assignment]

    # The agent that peers are told is a constant.
    identify.AGENT_VERSION = AGENT


class _BufferedStream:
    """Reads ahead: the stock reader asks for lengths byte by byte, and each read costs 20 steps and a window update."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._ahead = memoryview(b"")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    async def read(self, most: int) -> bytes:
        if not self._ahead:
            self._ahead = memoryview(await self._stream.read(READ_BYTES))
        taken, self._ahead = self._ahead[:most], self._ahead[most:]
        return bytes(taken)


class _ContentCache(MessageCache):
    """Keyed by the network's message id: the stock cache uses author and seqno whatever ids the router is told, so that
    peers ask again for everything it advertises and count broken promises."""

    def put(self, msg: rpc_pb2.Message) -> None:
        known = message_id(msg.data)
        if known not in self.msgs:
            self.msgs[known] = msg
            self.history[0].append(CacheEntry(known, msg.topicIDs))


class SsvRouter(GossipSub):
    """The mesh."""

    def __init__(self, dropped: Callable[[], None], degree: int = NETWORK_DEGREE) -> None:
        super().__init__(
            PROTOCOLS,
            degree,
            3 * degree // 4,
            3 * degree // 2,
            heartbeat_interval=HEARTBEAT_S,  # type: ignore[arg-type]  # annotated as int, used as seconds
            adaptive_gossip_enabled=False,  # changes D and the heartbeat by heuristics of its own
            eclipse_protection_enabled=False,  # grafts beyond D for the sake of IP diversity
            spam_protection_enabled=False,  # drops what is over 10 messages a second from a peer on a topic
        )
        self.mcache = _ContentCache(HISTORY_GOSSIP, HISTORY_LENGTH)
        self.scorer = None  # not GossipSub v1.1's scores, and they gate the wrong direction
        self._dropped = dropped
        self._given = 0

    async def publish_counted(self, message: rpc_pb2.Message) -> int:
        """Publish an own message; return how many peers' queues took it."""
        assert self.pubsub is not None
        self._given = 0
        await self.publish(self.pubsub.my_id, message)  # no checkpoint inside: nobody else counts meanwhile
        return self._given

    async def publish(self, msg_forwarder: ID, pubsub_msg: rpc_pb2.Message) -> None:
        """Give a message to the mesh; keep nothing of it but the cache for IWANT."""
        await super().publish(msg_forwarder, pubsub_msg)
        # Messages are also kept for every peer that has not subscribed their topic, and times of delivery for ever.
        self._pending_messages.clear()
        self.recent_message_deliveries.clear()

    def send_rpc(self, peer_id: ID, rpc: rpc_pb2.RPC, priority: bool = False) -> None:
        """Queue an RPC, and count the messages in it."""
        self._given += len(rpc.publish)
        super().send_rpc(peer_id, rpc, priority)

    def _handle_dropped_rpc(self, peer_id: ID, rpc: rpc_pb2.RPC, reason: str) -> None:
        self._given -= len(rpc.publish)
        self._dropped()
        super()._handle_dropped_rpc(peer_id, rpc, reason)

    def mesh_heartbeat(self) -> Any:
        """Look after the mesh, of peers that are still there."""
        if isinstance(self.pubsub, SsvPubsub):
            self.pubsub.mend_streams()
        return super().mesh_heartbeat()

    def _check_equivocation(self, msg: rpc_pb2.Message) -> bool:
        return True  # compares by author and seqno, which nobody signs

    async def send_recent_messages(self, peer_id: ID, topic: str) -> None:
        """Give a new subscriber the cached messages through its queue."""
        # The stock one writes to the stream beside the sending task; frames of large messages would mix.
        for known in self.mcache.window(topic):
            message = self.mcache.get(known)
            if message is not None and ID(message.from_id) != peer_id:
                self.send_rpc(peer_id, rpc_pb2.RPC(publish=[message]))

    async def _emit_control_msgs(
        self,
        peers_to_graft: dict[ID, list[str]],
        peers_to_prune: dict[ID, list[str]],
        peers_to_gossip: dict[ID, dict[str, list[bytes]]],
    ) -> None:
        # The stock one forgets to start a new list for the next peer, which gets the grafts of those before it.
        for peer in {*peers_to_graft, *peers_to_prune, *peers_to_gossip}:
            await super()._emit_control_msgs(
                {peer: peers_to_graft[peer]} if peer in peers_to_graft else {},
                {peer: peers_to_prune[peer]} if peer in peers_to_prune else {},
                {peer: peers_to_gossip[peer]} if peer in peers_to_gossip else {},
            )


class SsvPubsub(Pubsub):
    """Streams, subscriptions and messages."""

    router: SsvRouter

    def __init__(self, host: IHost, router: SsvRouter, gate: Gate, duplicate: Callable[[], None]) -> None:
        _patch_modules()
        super().__init__(
            host,
            router,
            seen_ttl=SEEN_S,
            sweep_interval=SEEN_SWEEP_S,
            strict_signing=False,  # from and seqno without signature, as the network does
            msg_id_constructor=lambda message: message_id(message.data),
            max_subscriptions_per_peer=MAX_SUBSCRIPTIONS,  # 100 would ignore some of 128 topics
            max_inbound_rpc_size=MAX_RPC_BYTES,
        )
        self._gate = gate
        self._duplicate = duplicate
        self._peers_reached: dict[bytes, int] = {}
        self._inbound: Counter[ID] = Counter()
        self._opening: set[ID] = set()

    async def push_msg(self, msg_forwarder: ID, msg: rpc_pb2.Message) -> None:
        """Take a message of a peer: once, judged by the gate."""
        # The stock one marks a message as seen after validation, so that it may be delivered twice; knows no Ignore;
        # ends the whole service when a validator raises; and hands messages over through a channel of 32.
        known = message_id(msg.data)
        if not self.seen_messages.add(known):
            self._duplicate()
            return
        if ID(msg.from_id) == self.my_id:  # ours, from before a restart
            return
        signed = msg.HasField("signature") or msg.HasField("key")
        peer = msg_forwarder.to_bytes()
        verdict = self._gate.came(tuple(msg.topicIDs), msg.data, msg.from_id, signed=signed, peer=peer)
        if isinstance(verdict, Accept):
            await self.router.publish(msg_forwarder, msg)

    async def publish_own(self, topic: str, data: bytes) -> int:
        """Publish; return to how many peers it went. A message that reached peers is not sent again."""
        known = message_id(data)
        reached = self._peers_reached.get(known, 0)
        if reached:
            return reached
        self.seen_messages.add(known)
        message = rpc_pb2.Message(data=data, topicIDs=[topic], from_id=self.my_id.to_bytes(), seqno=self._next_seqno())
        self._peers_reached[known] = await self.router.publish_counted(message)
        self._forget_reached()
        return self._peers_reached[known]

    def _forget_reached(self) -> None:
        if len(self._peers_reached) > 2 * QUEUE_LENGTH:
            for known in list(self._peers_reached)[:QUEUE_LENGTH]:
                del self._peers_reached[known]

    async def continuously_read_stream(self, stream: Any) -> None:
        """Read a peer's RPCs, ahead; what it subscribed is forgotten with the last stream that it speaks on."""
        peer_id = stream.muxed_conn.peer_id
        self._inbound[peer_id] += 1
        try:
            await super().continuously_read_stream(_BufferedStream(stream))  # type: ignore[arg-type]
        finally:
            self._inbound[peer_id] -= 1
            self._forget_all_subscriptions(peer_id)

    def _forget_all_subscriptions(self, peer_id: ID) -> None:
        # The stock one forgets when our own stream to the peer fails. A peer that comes back quickly has by then said
        # on its new stream what it subscribes, once, and would never be heard of again.
        if self._inbound[peer_id] <= 0:
            del self._inbound[peer_id]
            super()._forget_all_subscriptions(peer_id)

    def mend_streams(self) -> None:
        """Let go of streams whose connection is closed, and open one to each peer that has none.

        The stock router keeps a dead stream while the peer has another connection, and loses a message on it before it
        notices; and it gives a peer up for good when opening a stream fails in a way that it did not expect.
        """
        for peer_id, stream in list(self.peers.items()):
            if stream.muxed_conn.is_closed:
                self._handle_dead_peer(peer_id)
        for peer_id in self.host.get_network().get_connections_map():
            if peer_id not in self.peers and self._peer_is_connected(peer_id):
                self._schedule_peer_stream_retry(peer_id)

    async def _handle_new_peer(self, peer_id: ID) -> None:
        # Two tasks may be at this for one peer, and the stock one would open two streams and forget one.
        if peer_id in self._opening:
            return
        self._opening.add(peer_id)
        try:
            self.mend_streams()
            await super()._handle_new_peer(peer_id)
        finally:
            self._opening.discard(peer_id)

    def get_hello_packet(self) -> rpc_pb2.RPC:
        """Return the subscriptions without a peer record."""
        packet = super().get_hello_packet()
        packet.ClearField("senderRecord")  # an empty record would be taken for a bad one
        return packet

    async def write_msg(self, stream: Any, rpc_msg: rpc_pb2.RPC) -> bool:
        """Write an RPC without a peer record."""
        rpc_msg.ClearField("senderRecord")
        return await super().write_msg(stream, rpc_msg)
