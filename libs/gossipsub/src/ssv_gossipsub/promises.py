"""Messages that peers said they have and that we asked them for.

Of each IHAVE that we answered one id, chosen at random, is watched; unless the message comes in time, from whomever,
its promise is broken and counts in P7. Source: GossipSub v1.1, "Spam Protection Measures".
Memory: one entry for each IWANT of the last `followup_s`, which `max_ihave_messages` limits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random

from ssv_gossipsub.ids import MessageId, PeerId


class Promises:
    """Open promises, in the order in which they fall due."""

    def __init__(self, followup_s: float, rng: Random) -> None:
        self._followup_s = followup_s
        self._rng = rng
        self._due: dict[MessageId, dict[PeerId, float]] = {}

    def add(self, peer: PeerId, ids: Sequence[MessageId], now: float) -> None:
        """The peer was asked for these."""
        watched = self._rng.choice(ids)
        self._due.setdefault(watched, {}).setdefault(peer, now + self._followup_s)

    def kept(self, message_id: MessageId) -> None:
        """The message came."""
        if self._due:
            self._due.pop(message_id, None)

    def broken(self, now: float) -> Counter[PeerId]:
        """Return, once, how many promises each peer has broken."""
        broken: Counter[PeerId] = Counter()
        for message_id, peers in list(self._due.items()):
            for peer in [peer for peer, due in peers.items() if due < now]:
                del peers[peer]
                broken[peer] += 1
            if not peers:
                del self._due[message_id]
        return broken

    def __len__(self) -> int:
        return sum(map(len, self._due.values()))
