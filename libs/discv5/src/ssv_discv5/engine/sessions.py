"""The sessions of one engine, and the challenges it has out.

Each peer has at most two sessions: the newest writes, both read. Each peer has at most two challenges, since a peer
that sent two packets gets two WHOAREYOU and may answer either. A challenge lives one second and is spent by the
first handshake that answers it.

Source: discv5-theory.md, *Session Cache*, *Handshake Implementation Considerations*.
"""

from collections.abc import Callable

from ssv_discv5.enr.record import Record
from ssv_discv5.errors import MalformedError, NoSessionError
from ssv_discv5.identity import PrivateKey
from ssv_discv5.ids import NodeId
from ssv_discv5.lru import Lru
from ssv_discv5.session.handshake import Challenge, accept, challenge
from ssv_discv5.session.session import Peer, Session
from ssv_discv5.wire.authdata import Handshake
from ssv_discv5.wire.packet import Packet

CHALLENGE_LIFE_S = 1.0
_KEPT = 2


class Sessions:
    """What opens and seals packets, by peer; bounded."""

    def __init__(
        self,
        key: PrivateKey,
        protocol_id: bytes,
        known: Callable[[NodeId], Record | None],
        random_bytes: Callable[[int], bytes],
        max_sessions: int,
        max_challenges: int,
    ) -> None:
        self._key = key
        self._protocol_id = protocol_id
        self._known = known
        self._random_bytes = random_bytes
        self._sessions: Lru[Peer, tuple[Session, ...]] = Lru(max_sessions)
        self._challenges: Lru[Peer, tuple[Challenge, ...]] = Lru(max_challenges, CHALLENGE_LIFE_S)

    def put(self, peer: Peer, session: Session) -> None:
        """Take a confirmed session; the one before it only reads from now on."""
        former = self._sessions.get(peer) or ()
        self._sessions.put(peer, (session, *former)[:_KEPT])

    def writing(self, peer: Peer) -> Session | None:
        """Return the session to write with, None when there is none or it is worn out."""
        newest = (self._sessions.get(peer) or (None,))[0]
        if newest is not None and newest.worn_out:
            self._sessions.pop(peer)
            return None
        return newest

    def open(self, peer: Peer, packet: Packet) -> bytes | None:
        """Return the plain message, None when no session opens it."""
        for session in self._sessions.get(peer) or ():
            try:
                return session.open(packet.header.nonce, packet.message, packet.associated)
            except NoSessionError:
                continue
        return None

    def challenge(self, peer: Peer, nonce: bytes, now: float) -> bytes:
        """Return a WHOAREYOU datagram for a packet that no session opens, and expect its answer."""
        known = self._known(peer.node_id)
        sent, datagram = challenge(self._protocol_id, peer.node_id, nonce, known, self._random_bytes)
        former = self._challenges.get(peer, now) or ()
        self._challenges.put(peer, (sent, *former)[:_KEPT], now)
        return datagram

    def accept(self, peer: Peer, given: Handshake, packet: Packet, now: float) -> tuple[Record, bytes]:
        """Return the peer's record and the opened message of a handshake packet; raises MalformedError."""
        for sent in self._challenges.get(peer, now) or ():
            try:
                record, session = accept(self._key, given, sent)
                plain = session.open(packet.header.nonce, packet.message, packet.associated)
            except (MalformedError, NoSessionError):
                continue
            self._challenges.pop(peer)
            self.put(peer, session)
            return record, plain
        raise MalformedError("a handshake that answers no challenge of ours")
