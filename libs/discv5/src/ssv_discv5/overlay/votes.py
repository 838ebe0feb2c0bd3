"""Our own address, by the vote of those who answer our pings.

One vote a voter, and one voter a network (/24, /64) outside private networks, so that one owner of many identities
has one vote. An endpoint wins with at least `quorum` votes and more than half of the young ones.

Source: discv5-theory.md, *Maintaining The Local Node Record*.
"""

from collections import Counter
from collections.abc import Hashable

from ssv_discv5.endpoint import Endpoint, is_local, neighbourhood
from ssv_discv5.lru import Lru
from ssv_discv5.session.session import Peer

MAX_VOTES = 200
VOTE_LIFE_S = 600.0
QUORUM = 3


class Votes:
    """What peers said of our endpoint in the last ten minutes."""

    def __init__(self, quorum: int = QUORUM) -> None:
        self._quorum = quorum
        self._votes: Lru[Hashable, Endpoint] = Lru(MAX_VOTES, VOTE_LIFE_S)

    def add(self, voter: Peer, said: Endpoint, now: float) -> None:
        """Take a vote in place of the voter's last; one for no usable endpoint counts for nothing."""
        ip = said.ip
        if said.port == 0 or ip.is_unspecified or ip.is_multicast or (is_local(ip) and not is_local(voter.endpoint.ip)):
            return
        of = voter.endpoint.ip
        self._votes.put(voter.node_id if is_local(of) else neighbourhood(of), said, now)

    def winner(self, now: float) -> Endpoint | None:
        """Return the endpoint that the majority sees, None while there is none."""
        tally = Counter(said for _, said in self._votes.items(now))
        if not tally:
            return None
        endpoint, votes = tally.most_common(1)[0]
        return endpoint if votes >= self._quorum and 2 * votes > tally.total() else None
