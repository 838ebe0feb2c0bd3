"""Requests of ours that await an answer, with an index for each way an answer can refer to them.

A response names the request id, a WHOAREYOU the nonce of the packet. The number of calls is bounded, in all and
for each peer.
"""

from collections import Counter
from dataclasses import dataclass, field

from ssv_discv5.endpoint import Endpoint
from ssv_discv5.engine.nodes import NodesAnswer
from ssv_discv5.enr.record import Record
from ssv_discv5.errors import RequestFailedError
from ssv_discv5.ids import RequestId
from ssv_discv5.session.session import Peer, Session
from ssv_discv5.wire.message import Request


@dataclass(frozen=True, slots=True)
class Contact:
    """A node to ask: its record (for its public key) and where to reach it."""

    record: Record
    endpoint: Endpoint

    @property
    def peer(self) -> Peer:
        """Return what a session with it is bound to."""
        return Peer(self.record.node_id, self.endpoint)


@dataclass(slots=True, eq=False)
class Call:
    """One request: `nonce` is of the packet last sent, None while the call waits for another's handshake."""

    contact: Contact
    peer: Peer
    request: Request
    retries_left: int
    nodes: NodesAnswer | None
    nonce: bytes | None = None
    deadline: float = float("inf")
    tentative: Session | None = field(default=None, repr=False)
    """The session that this call's handshake packet offered, until the peer's answer confirms it."""


class Calls:
    """The open calls."""

    def __init__(self, max_calls: int, max_calls_per_peer: int) -> None:
        self._max_calls = max_calls
        self._max_per_peer = max_calls_per_peer
        self._by_id: dict[RequestId, Call] = {}
        self._by_nonce: dict[bytes, Call] = {}
        self._by_peer: dict[Peer, list[Call]] = {}
        self._endpoints: Counter[Endpoint] = Counter()

    def add(self, call: Call) -> None:
        """Take a new call; raises RequestFailedError when there is no room."""
        same = self._by_peer.get(call.peer, [])
        if len(self._by_id) >= self._max_calls or len(same) >= self._max_per_peer:
            raise RequestFailedError("too many requests await an answer")
        self._by_id[call.request.request_id] = call
        self._by_peer.setdefault(call.peer, same).append(call)
        self._endpoints[call.peer.endpoint] += 1

    def remove(self, call: Call) -> None:
        """Forget a call."""
        del self._by_id[call.request.request_id]
        self.sent(call, None)
        same = self._by_peer[call.peer]
        same.remove(call)
        if not same:
            del self._by_peer[call.peer]
        self._endpoints[call.peer.endpoint] -= 1
        if not self._endpoints[call.peer.endpoint]:
            del self._endpoints[call.peer.endpoint]

    def sent(self, call: Call, nonce: bytes | None) -> None:
        """Note the nonce of the packet that carries a call now; the earlier one no longer counts."""
        if call.nonce is not None:
            self._by_nonce.pop(call.nonce, None)
        call.nonce = nonce
        if nonce is not None:
            self._by_nonce[nonce] = call

    def by_id(self, request_id: RequestId, peer: Peer) -> Call | None:
        """Return the call that a response of `peer` answers."""
        call = self._by_id.get(request_id)
        return call if call is not None and call.peer == peer else None

    def by_nonce(self, nonce: bytes, endpoint: Endpoint) -> Call | None:
        """Return the call that a WHOAREYOU from `endpoint` refers to."""
        call = self._by_nonce.get(nonce)
        return call if call is not None and call.peer.endpoint == endpoint else None

    def of(self, peer: Peer) -> list[Call]:
        """Return the open calls to a peer, the oldest first."""
        return list(self._by_peer.get(peer, ()))

    def overdue(self, now: float) -> list[Call]:
        """Return the calls whose deadline has passed."""
        return [call for call in self._by_id.values() if call.deadline <= now]

    def expects(self, endpoint: Endpoint) -> bool:
        """Tell whether an endpoint owes us an answer."""
        return endpoint in self._endpoints

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, request_id: RequestId) -> bool:
        return request_id in self._by_id
