"""The router: everything that happens goes in through a method, what is to be done comes out.

    connected, disconnected          peers come and go; the first frames greet them with our subscriptions
    subscribe, unsubscribe, publish  what the application wants
    receive -> messages to validate; decide(verdict) -> a message to deliver
    heartbeat                        every `heartbeat_s`
    ready, take                      which peers there is something to send to, and the frames

Invariants: no method waits, reads a clock or raises whatever a peer sends; what happens is a function of the calls,
their times and the seed; memory per peer and in all is bounded by the parameters. Not guaranteed: that a message
reaches everybody; that two routers with other seeds choose the same peers.

Source: GossipSub v1.0, v1.1 and v1.2. Left out: peer exchange, flood publishing, floodsub peers, dialling direct peers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from random import Random

from ssv_gossipsub.counts import Counts
from ssv_gossipsub.envelope import EnvelopeCheck, unsigned_with_author
from ssv_gossipsub.fanout import Fanout
from ssv_gossipsub.gossip import Gossip
from ssv_gossipsub.ids import MessageId, MessageIdFunction, PeerId
from ssv_gossipsub.maintenance import maintain
from ssv_gossipsub.mesh import Mesh
from ssv_gossipsub.messages import Messages, Published, Received
from ssv_gossipsub.neighbours import Neighbours
from ssv_gossipsub.outbox import Outbox
from ssv_gossipsub.parameters import RouterParameters
from ssv_gossipsub.peer import Peer, Protocol
from ssv_gossipsub.score.engine import Scores
from ssv_gossipsub.score.parameters import ScoreParameters, TopicScoreParameters
from ssv_gossipsub.score.record import PeerRecord, PeerScore
from ssv_gossipsub.verdict import Verdict
from ssv_gossipsub.wire import encode
from ssv_gossipsub.wire.rpc import Control, Rpc, Subscription

_BACKOFF_SWEEP_HEARTBEATS = 15


class Router:
    """A GossipSub node without a network. Times (`now`) are seconds of one clock that never goes back."""

    def __init__(
        self,
        own: PeerId,
        parameters: RouterParameters,
        scores: ScoreParameters,
        message_id: MessageIdFunction,
        rng: Random,
        now: float,
        *,
        first_seqno: int = 1,
        direct: Collection[PeerId] = (),
        may_subscribe: Callable[[str], bool] = lambda _: True,
        check: EnvelopeCheck = unsigned_with_author,
    ) -> None:
        """Begin without peers.

        `first_seqno` should be above all that this peer id used before; `may_subscribe` says of which topics
        subscriptions are remembered; `message_id`, `check` and `may_subscribe` must not raise.
        """
        self._p = parameters
        self._seqno = first_seqno
        self._own = own
        self._direct = frozenset(direct)
        self._may_subscribe = may_subscribe
        self._ready: dict[PeerId, None] = {}
        self._heartbeats = 0
        self.counts = Counts()
        self.scores = Scores(scores, now)
        self._neighbours = Neighbours(self.scores, rng)
        self.mesh = Mesh(parameters, self._neighbours)
        self.fanout = Fanout(parameters, self._neighbours)
        self.gossip = Gossip(parameters, self._neighbours)
        self.messages = Messages(
            own, parameters, self._neighbours, self.mesh, self.fanout, self.gossip, message_id, check, self.counts
        )
        self.messages.seen.advance(now)

    # peers

    def connected(self, peer_id: PeerId, protocol: Protocol, *, outbound: bool, addresses: Iterable[str]) -> None:
        """A peer's gossip stream is open. For one that is connected already only the addresses are taken."""
        record = self.scores.connected(peer_id, addresses)
        if peer_id in self._neighbours.peers:
            return
        outbox = Outbox(peer_id, self._p, self._ready)
        direct = peer_id in self._direct
        peer = Peer(peer_id, protocol, outbound=outbound, direct=direct, record=record, outbox=outbox)
        self._neighbours.add(peer)
        if direct:
            self.messages.direct[peer_id] = peer
        for topic in self.mesh.topics:
            outbox.subscription(topic, True)

    def disconnected(self, peer_id: PeerId, now: float) -> None:
        """A peer is gone; its score is remembered as the parameters say."""
        peer = self._neighbours.peers.get(peer_id)
        if peer is None:
            return
        self.mesh.forget_everywhere(peer)
        self.fanout.forget(peer)
        self.messages.direct.pop(peer_id, None)
        self._neighbours.remove(peer)
        self._ready.pop(peer_id, None)
        self.scores.disconnected(peer_id, now)

    @property
    def peers(self) -> Mapping[PeerId, Peer]:
        """Connected peers; to look at."""
        return self._neighbours.peers

    def subscribers(self, topic: str) -> Collection[PeerId]:
        """Return which connected peers subscribed a topic."""
        return self._neighbours.members(topic).keys()

    def graylisted(self, peer_id: PeerId) -> bool:
        """Tell whether a peer's RPCs are ignored: to be asked before decoding them, or connecting to it again."""
        record = self.scores.record(peer_id)
        return record is not None and peer_id not in self._direct and self._below_graylist(record)

    def score(self, peer_id: PeerId) -> PeerScore | None:
        """Return a peer's score and its parts, None for one that is not known."""
        record = self.scores.record(peer_id)
        return record.explain(self.scores.parameters) if record else None

    def penalise(self, peer_id: PeerId, count: float = 1.0) -> None:
        """Add to a peer's behavioural penalty (P7), for instance when its bytes are no RPC."""
        if record := self.scores.record(peer_id):
            self.scores.penalise(record, count)

    def set_app_score(self, peer_id: PeerId, value: float) -> None:
        """Say what the application thinks of a peer (P5)."""
        if record := self.scores.record(peer_id):
            self.scores.set_app_score(record, value)

    def set_topic_scores(self, topics: Mapping[str, TopicScoreParameters]) -> None:
        """Give topics other score parameters from now on."""
        self.scores.set_topics(topics)

    # topics

    def subscribe(self, topic: str, now: float) -> None:
        """Join a topic, once."""
        if topic in self.mesh:
            return
        for peer in self._neighbours.peers.values():
            peer.outbox.subscription(topic, True)
        self.mesh.join(topic, self.fanout.take(topic), now)

    def unsubscribe(self, topic: str, now: float) -> None:
        """Leave a topic."""
        if topic not in self.mesh:
            return
        for peer in self._neighbours.peers.values():
            peer.outbox.subscription(topic, False)
        self.mesh.leave(topic, now)

    # messages

    def receive(self, peer_id: PeerId, rpc: Rpc, now: float) -> Sequence[Received]:
        """Take an RPC of a connected peer; return the messages to validate. Each needs one `decide`."""
        peer = self._neighbours.peers.get(peer_id)
        if peer is None:
            return ()
        self.counts.rpcs += 1
        if not peer.direct and self._below_graylist(peer.record):
            self.counts.graylisted_rpcs += 1
            return ()
        if rpc.subscriptions and not self._on_subscriptions(peer, rpc.subscriptions):
            return ()
        fresh = self.messages.receive(peer, rpc.messages, now)
        if rpc.control is not None:
            self._on_control(peer, rpc.control, now)
        return fresh

    def decide(self, message_id: MessageId, verdict: Verdict, now: float) -> Received | None:
        """End a validation: Accept forwards; the message is returned when it is to be delivered."""
        return self.messages.decide(message_id, verdict, now)

    def publish(self, topic: str, data: bytes, now: float) -> Published:
        """Send a message of our own; the application is not given it back."""
        message = encode.message(self._own, data, self._seqno.to_bytes(8, "big"), topic)
        self._seqno = (self._seqno + 1) % (1 << 64)
        return self.messages.publish(message, now)

    # time and output

    def heartbeat(self, now: float) -> None:
        """Maintain meshes, gossip and scores."""
        self._heartbeats += 1
        self.scores.refresh(now)
        self.messages.expire(now)
        for peer in self._neighbours.peers.values():
            peer.heartbeat(self._heartbeats)
        if self._heartbeats % _BACKOFF_SWEEP_HEARTBEATS == 0:
            self.mesh.backoffs.clear(now)
        self.gossip.penalise_broken(now)
        maintain(self.mesh, self._neighbours, self._p, self._heartbeats, now)
        self.fanout.maintain(now)
        groups = [(topic, self.mesh.members(topic)) for topic in self.mesh.topics]
        groups += [(topic, self.fanout.members(topic)) for topic in self.fanout.topics]
        self.gossip.emit(dict(groups), self.mesh.take_newcomers())

    @property
    def ready(self) -> list[PeerId]:
        """Return the peers that there is something to send to."""
        return list(self._ready)

    def take(self, peer_id: PeerId, most_bytes: int | None = None) -> list[bytes]:
        """Return the frames to write to a peer's stream now, in order. What is not taken waits, up to the bounds.

        `most_bytes` leaves messages beyond that, but never all, for the next time: frames that wait are shared among
        peers, those that were taken are not.
        """
        peer = self._neighbours.peers.get(peer_id)
        return peer.outbox.take(most_bytes) if peer else []

    def _below_graylist(self, record: PeerRecord) -> bool:
        parameters = self.scores.parameters
        return record.score(parameters) < parameters.thresholds.graylist

    def _on_subscriptions(self, peer: Peer, subscriptions: Sequence[Subscription]) -> bool:
        """Note what a peer joins and leaves; False when the RPC asks for too much to be taken seriously."""
        if len(subscriptions) > self._p.max_subscriptions:
            self.counts.excess_subscriptions += 1
            return False
        for topic, subscribe in subscriptions:
            if not subscribe:
                self._neighbours.unsubscribe(peer, topic)
                if topic in self.mesh:
                    self.mesh.forget(topic, peer)
            elif self._may_subscribe(topic) and len(peer.topics) < self._p.max_subscriptions:
                self._neighbours.subscribe(peer, topic)
        return True

    def _on_control(self, peer: Peer, control: Control, now: float) -> None:
        if control.ihave:
            self.gossip.on_ihave(peer, control.ihave, self.mesh, self.messages.seen, now)
        if control.iwant:
            self.gossip.on_iwant(peer, control.iwant)
        for topic in control.graft:
            self.mesh.on_graft(peer, topic, now)
        for prune in control.prune:
            self.mesh.on_prune(peer, prune, now)
        if control.idontwant:
            self.gossip.on_idontwant(peer, control.idontwant, self._heartbeats)
