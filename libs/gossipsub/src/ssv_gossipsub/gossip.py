"""IHAVE, IWANT and IDONTWANT: what peers outside the mesh learn of messages, and how they get them.

Source: GossipSub v1.0, "Gossip Emission", "Control Messages"; v1.1, "Adaptive Gossip Dissemination", "Spam Protection
Measures", "Score Thresholds" (gossip); v1.2, "IDONTWANT Message".
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence, Set
from itertools import chain, islice

from ssv_gossipsub.ids import MessageId, PeerId
from ssv_gossipsub.message_cache import MessageCache
from ssv_gossipsub.neighbours import Members, Neighbours
from ssv_gossipsub.parameters import RouterParameters
from ssv_gossipsub.peer import Peer
from ssv_gossipsub.promises import Promises
from ssv_gossipsub.wire.rpc import IHave


class Gossip:
    """Answers gossip and emits it."""

    def __init__(self, p: RouterParameters, neighbours: Neighbours) -> None:
        self._p = p
        self._neighbours = neighbours
        self.cache = MessageCache(p.history_length, p.history_gossip, p.max_cache_bytes)
        self.promises = Promises(p.iwant_followup_s, neighbours.rng)
        self.ihaves_sent = self.iwants_sent = self.iwants_served = self.promises_broken = 0

    def on_ihave(
        self, peer: Peer, ihaves: Sequence[IHave], topics: Container[str], seen: Container[MessageId], now: float
    ) -> None:
        """Ask for what we have not seen, of our topics, within the limits of the heartbeat."""
        if self._distrusts(peer):
            return
        peer.ihaves += 1
        room = self._p.max_ihave_length - peer.asked
        if peer.ihaves > self._p.max_ihave_messages or room <= 0:
            return
        wanted: dict[MessageId, None] = {}
        for ihave in ihaves:
            if ihave.topic in topics:
                ids = islice(ihave.ids, self._p.max_ihave_length)
                wanted.update((MessageId(one), None) for one in ids if one not in seen)
        if not wanted:
            return
        asked = self._neighbours.rng.sample(list(wanted), min(room, len(wanted)))
        peer.asked += len(asked)
        self.iwants_sent += len(asked)
        self.promises.add(peer.id, asked, now)
        peer.outbox.iwant(asked)

    def on_iwant(self, peer: Peer, ids: Iterable[bytes]) -> None:
        """Send what is asked for, each message a few times at most, and no more than we may have advertised."""
        if self._distrusts(peer):
            return
        for message_id in map(MessageId, ids):
            message = self.cache.get(message_id)
            if message is None or message_id in peer.unwanted:
                continue
            if peer.served >= self._p.max_ihave_length:
                return
            served = message.served.get(peer.id, 0)
            if served >= self._p.gossip_retransmission:
                continue
            message.served[peer.id] = served + 1
            peer.served += 1
            self.iwants_served += peer.outbox.message(message.frame)

    def on_idontwant(self, peer: Peer, ids: Iterable[bytes], heartbeat: int) -> None:
        """Remember what not to send."""
        if peer.unwanted_rpcs >= self._p.max_idontwant_messages:
            return
        peer.unwanted_rpcs += 1
        until = heartbeat + self._p.idontwant_ttl_heartbeats
        for message_id in islice(ids, self._p.max_idontwant_length):
            peer.does_not_want(MessageId(message_id), until, self._p.max_unwanted)

    def tell_unwanted(self, message_id: MessageId, size: int, members: Members, sender: Peer) -> None:
        """Tell the mesh that a large message is here, before validating it."""
        if size < self._p.idontwant_min_bytes:
            return
        for peer in members.values():
            if peer.protocol.has_idontwant and peer is not sender:
                peer.outbox.idontwant(message_id)

    def emit(self, members_by_topic: dict[str, Members], newcomers_by_topic: dict[str, Members]) -> None:
        """Tell some peers outside mesh and fanout what is in the cache, then begin a new window.

        Members that have just come in are told once: what was said between the last heartbeat and their GRAFT went by
        them, and from now on they are never told.
        """
        trusted = {known for known, peer in self._neighbours.peers.items() if not self._distrusts(peer)}
        for topic, ids in self.cache.gossip().items():
            if topic in members_by_topic:
                newcomers = newcomers_by_topic.get(topic, {}).values()
                self._emit(topic, ids, trusted - members_by_topic[topic].keys(), newcomers)
        self.cache.shift()

    def penalise_broken(self, now: float) -> None:
        """Count the promises that were broken since the last time (P7)."""
        scores = self._neighbours.scores
        for peer, count in self.promises.broken(now).items():
            self.promises_broken += count
            if record := scores.record(peer):
                scores.penalise(record, count)

    def _emit(self, topic: str, ids: list[MessageId], to: Set[PeerId], newcomers: Iterable[Peer]) -> None:
        outside = [peer for known, peer in self._neighbours.members(topic).items() if known in to and not peer.direct]
        rng, most = self._neighbours.rng, self._p.max_ihave_length
        share = max(self._p.d_lazy, int(self._p.gossip_factor * len(outside)))
        for peer in chain(rng.sample(outside, min(share, len(outside))), newcomers):
            told = ids if len(ids) <= most else rng.sample(ids, most)
            peer.outbox.ihave(topic, told)
            self.ihaves_sent += len(told)

    def _distrusts(self, peer: Peer) -> bool:
        scores = self._neighbours.scores
        return not peer.direct and scores.score(peer.record) < scores.parameters.thresholds.gossip
