"""The engine: sessions, handshakes in both roles, requests with deadlines and retries.

Time and randomness are arguments. What it may remember is bounded: sessions, challenges and calls. It never raises
for what comes from outside: that ends in `Dropped`.

One handshake a peer at a time: while a call's handshake is under way, later calls to the same peer wait, and are
sent when its session is confirmed. A session is confirmed, and only then used for anything else, when the peer's
answer opens with it. The former session stays for reading, since packets may overtake each other and two nodes may
begin handshakes with each other at once.

Source: discv5-theory.md, *Handshake Steps*, *Handshake Implementation Considerations*, *Session Cache*.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ssv_discv5.endpoint import Endpoint
from ssv_discv5.engine.calls import Call, Calls, Contact
from ssv_discv5.engine.events import Answered, Dropped, Event, Failed, Found, Met, Requested, Send
from ssv_discv5.engine.nodes import NodesAnswer
from ssv_discv5.engine.sessions import Sessions
from ssv_discv5.enr.record import MAX_SIZE, Record
from ssv_discv5.errors import MalformedError, NoSessionError, OversizeError
from ssv_discv5.identity import PUBLIC_KEY_SIZE, SIGNATURE_SIZE, PrivateKey
from ssv_discv5.ids import NodeId, RequestId
from ssv_discv5.session.handshake import initiate
from ssv_discv5.session.session import Peer, Session
from ssv_discv5.wire import message as messages
from ssv_discv5.wire.authdata import Handshake, WhoAreYou, decode_source
from ssv_discv5.wire.message import (
    MAX_REQUEST_ID_SIZE,
    FindNode,
    Message,
    Nodes,
    Ping,
    Pong,
    Request,
    Response,
    TalkReq,
    TalkResp,
)
from ssv_discv5.wire.packet import IV_SIZE, NONCE_SIZE, Flag, Header, Packet, mask, room_for_message

_ANSWERS: dict[type[Request], type[Response]] = {Ping: Pong, FindNode: Nodes, TalkReq: TalkResp}
_NOISE_SIZE = 44
_LONGEST_AUTHDATA = 34 + SIGNATURE_SIZE + PUBLIC_KEY_SIZE + MAX_SIZE


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Deadlines as the wire specification recommends them, and how much is remembered."""

    request_timeout_s: float = 0.5
    handshake_timeout_s: float = 1.0
    retries: int = 1
    max_sessions: int = 2048
    max_challenges: int = 1024
    max_calls: int = 512
    max_calls_per_peer: int = 16


class Engine:
    """One node's side of one protocol id."""

    def __init__(
        self,
        key: PrivateKey,
        protocol_id: bytes,
        own_record: Callable[[], Record],
        known: Callable[[NodeId], Record | None],
        random_bytes: Callable[[int], bytes],
        settings: EngineSettings,
    ) -> None:
        self._key = key
        self._protocol_id = protocol_id
        self._own_record = own_record
        self._random_bytes = random_bytes
        self._settings = settings
        self._sessions = Sessions(key, protocol_id, known, random_bytes, settings.max_sessions, settings.max_challenges)
        self._calls = Calls(settings.max_calls, settings.max_calls_per_peer)
        self._leading: dict[Peer, Call] = {}

    # what we ask

    def ping(self, contact: Contact, now: float) -> tuple[RequestId, list[Event]]:
        """Begin a PING; raises RequestFailedError when too much is under way, as the other requests do."""
        return self._begin(contact, Ping(self._new_id(), self._own_record().seq), None, now)

    def find_node(self, contact: Contact, distances: tuple[int, ...], now: float) -> tuple[RequestId, list[Event]]:
        """Begin a FINDNODE."""
        answer = NodesAnswer(contact.record.node_id, contact.endpoint, distances)
        return self._begin(contact, FindNode(self._new_id(), distances), answer, now)

    def talk(self, contact: Contact, protocol: bytes, request: bytes, now: float) -> tuple[RequestId, list[Event]]:
        """Begin a TALKREQ; raises OversizeError when it would not fit into a handshake packet."""
        message = TalkReq(self._new_id(), protocol, request)
        if len(messages.encode(message)) > room_for_message(_LONGEST_AUTHDATA):
            raise OversizeError("a TALKREQ too long for a packet")
        return self._begin(contact, message, None, now)

    def respond(self, peer: Peer, response: Response) -> list[Event]:
        """Answer a request; raises OversizeError when the response does not fit into a packet."""
        session = self._sessions.writing(peer)
        return [] if session is None else [self._sealed(peer, session, response)[1]]

    def expects(self, endpoint: Endpoint) -> bool:
        """Tell whether an endpoint owes us an answer."""
        return self._calls.expects(endpoint)

    # what comes

    def receive(self, packet: Packet, source: Endpoint, now: float) -> list[Event]:
        """Take a packet of this protocol id."""
        try:
            match packet.header.flag:
                case Flag.ORDINARY:
                    return self._ordinary(packet, source, now)
                case Flag.WHOAREYOU:
                    return self._whoareyou(packet, source, now)
                case Flag.HANDSHAKE:
                    return self._handshake(packet, source, now)
        except MalformedError as error:
            return [Dropped(str(error))]

    def tick(self, now: float) -> list[Event]:
        """Repeat or give up what is overdue."""
        events: list[Event] = []
        for call in self._calls.overdue(now):
            if call.request.request_id not in self._calls:
                continue  # given up with another call to the same peer
            if call.nodes is not None and call.nodes.heard:
                events += self._finish(call, Found(call.request.request_id, call.nodes.records), now)
            elif call.retries_left > 0:
                call.retries_left -= 1
                call.tentative = None
                events += self._transmit(call, now)
            else:
                events += self._give_up(call, now)
        return events

    def _ordinary(self, packet: Packet, source: Endpoint, now: float) -> list[Event]:
        peer = Peer(decode_source(packet.header.authdata), source)
        leader = self._leading.get(peer)
        plain = self._sessions.open(peer, packet)
        if plain is None and leader is not None and leader.tentative is not None:
            try:
                plain = leader.tentative.open(packet.header.nonce, packet.message, packet.associated)
            except NoSessionError:
                pass
            else:
                self._sessions.put(peer, leader.tentative)
                leader.tentative = None
                return [*self._handle(peer, plain, now), *self._release(leader, now)]
        if plain is None:
            return [Send(source, self._sessions.challenge(peer, packet.header.nonce, now))]
        return self._handle(peer, plain, now)

    def _whoareyou(self, packet: Packet, source: Endpoint, now: float) -> list[Event]:
        call = self._calls.by_nonce(packet.header.nonce, source)
        if call is None or packet.message:
            raise MalformedError("a WHOAREYOU for nothing we sent")
        challenge = WhoAreYou.decode(packet.header.authdata)
        self._calls.sent(call, None)
        if self._leading.setdefault(call.peer, call) is not call:
            call.deadline = float("inf")  # waits for the handshake that is under way
            return []
        given, call.tentative = initiate(
            self._key,
            self._own_record(),
            call.contact.record,
            packet.associated,
            challenge.enr_seq,
            self._random_bytes,
        )
        call.deadline = now + self._settings.handshake_timeout_s
        return [self._packet(call.peer, call.tentative, Flag.HANDSHAKE, given.encode(), call.request)[1]]

    def _handshake(self, packet: Packet, source: Endpoint, now: float) -> list[Event]:
        given = Handshake.decode(packet.header.authdata)
        peer = Peer(given.source, source)
        record, plain = self._sessions.accept(peer, given, packet, now)
        return [Met(record, source), *self._handle(peer, plain, now)]

    def _handle(self, peer: Peer, plain: bytes, now: float) -> list[Event]:
        try:
            message = messages.decode(plain)
        except MalformedError as error:
            return [Dropped(str(error))]
        match message:
            case Ping() | FindNode() | TalkReq():
                return [Requested(peer, message)]
            case Pong() | TalkResp() | Nodes():
                return self._answer(peer, message, now)

    def _answer(self, peer: Peer, response: Response, now: float) -> list[Event]:
        call = self._calls.by_id(response.request_id, peer)
        if call is None or type(response) is not _ANSWERS[type(call.request)]:
            return [Dropped("a response to nothing we asked")]
        if not isinstance(response, Nodes):
            return self._finish(call, response, now)
        assert call.nodes is not None
        if not call.nodes.add(response):
            return []
        return self._finish(call, Found(response.request_id, call.nodes.records), now)

    # calls

    def _new_id(self) -> RequestId:
        return RequestId(self._random_bytes(MAX_REQUEST_ID_SIZE))

    def _begin(
        self, contact: Contact, request: Request, nodes: NodesAnswer | None, now: float
    ) -> tuple[RequestId, list[Event]]:
        call = Call(contact, contact.peer, request, self._settings.retries, nodes)
        self._calls.add(call)
        return request.request_id, self._transmit(call, now)

    def _transmit(self, call: Call, now: float) -> list[Event]:
        """Send a call's request, or what provokes a WHOAREYOU, or let it wait for the handshake under way."""
        leader = self._leading.get(call.peer)
        if leader is not None and leader is not call:
            self._calls.sent(call, None)
            call.deadline = float("inf")
            return []
        session = self._sessions.writing(call.peer)
        if session is None:
            self._leading[call.peer] = call
            call.deadline = now + self._settings.handshake_timeout_s
            nonce, send = self._noise(call.peer)
            self._calls.sent(call, nonce)
            return [send]
        call.deadline = now + self._settings.request_timeout_s
        nonce, send = self._sealed(call.peer, session, call.request)
        self._calls.sent(call, nonce)
        return [send]

    def _finish(self, call: Call, answer: Pong | TalkResp | Found, now: float) -> list[Event]:
        self._calls.remove(call)
        return [Answered(call.request.request_id, answer), *self._release(call, now)]

    def _give_up(self, call: Call, now: float) -> list[Event]:
        """Fail a call; if its handshake failed, all that waited for it fail too."""
        self._calls.remove(call)
        lost = [call]
        if self._leading.get(call.peer) is call:
            del self._leading[call.peer]
            lost += [waiting for waiting in self._calls.of(call.peer) if waiting.deadline == float("inf")]
            for waiting in lost[1:]:
                self._calls.remove(waiting)
        return [Failed(each.request.request_id) for each in lost]

    def _release(self, leader: Call, now: float) -> list[Event]:
        """End a call's lead of its peer's handshake, if it has it, and send what waited for that."""
        if self._leading.get(leader.peer) is not leader:
            return []
        del self._leading[leader.peer]
        events: list[Event] = []
        for call in self._calls.of(leader.peer):
            if call.deadline == float("inf"):
                events += self._transmit(call, now)
        return events

    # packets

    def _sealed(self, peer: Peer, session: Session, message: Message) -> tuple[bytes, Send]:
        return self._packet(peer, session, Flag.ORDINARY, self._key.node_id, message)

    def _packet(
        self, peer: Peer, session: Session, flag: Flag, authdata: bytes, message: Message
    ) -> tuple[bytes, Send]:
        nonce = session.next_nonce(self._random_bytes)
        iv = self._random_bytes(IV_SIZE)
        header = Header(flag, nonce, authdata).encode(self._protocol_id)
        sealed = session.seal(nonce, messages.encode(message), iv + header)
        return nonce, Send(peer.endpoint, mask(peer.node_id, iv, header, sealed))

    def _noise(self, peer: Peer) -> tuple[bytes, Send]:
        """Return a packet that the peer cannot open: it will answer with WHOAREYOU."""
        nonce = self._random_bytes(NONCE_SIZE)
        header = Header(Flag.ORDINARY, nonce, self._key.node_id).encode(self._protocol_id)
        noise = self._random_bytes(_NOISE_SIZE)
        return nonce, Send(peer.endpoint, mask(peer.node_id, self._random_bytes(IV_SIZE), header, noise))
