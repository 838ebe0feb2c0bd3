"""Handshakes in both roles: who proves what, what is lost, overtaken, repeated or forged."""

import pytest
from libs.discv5.tests.world import PROTOCOL, Node, World, endpoint_of, private_key

from ssv_discv5.endpoint import Endpoint
from ssv_discv5.engine.calls import Contact
from ssv_discv5.engine.engine import EngineSettings
from ssv_discv5.engine.events import Dropped, Found, Send
from ssv_discv5.enr.record import Record
from ssv_discv5.ids import log_distance
from ssv_discv5.session.handshake import initiate
from ssv_discv5.session.keys import sign_id
from ssv_discv5.wire.authdata import Handshake
from ssv_discv5.wire.message import Pong, TalkResp
from ssv_discv5.wire.packet import Flag, Header, mask, unmask


def flags(world: World) -> list[Flag]:
    return [unmask(world.nodes[send.endpoint].key.node_id, send.datagram).header.flag for _, send in world.carried]


def two() -> tuple[Node, Node, World]:
    a, b = Node(1), Node(2)
    return a, b, World(a, b)


FULL = [Flag.ORDINARY, Flag.WHOAREYOU, Flag.HANDSHAKE, Flag.ORDINARY]


def test_first_request_shakes_hands_and_the_next_needs_none() -> None:
    a, b, world = two()
    world.run(a, a.engine.ping(b.contact, 0))
    assert flags(world) == FULL
    assert [type(answer) for answer in a.answers()] == [Pong]
    assert b.met() == [a.local.record]
    world.run(a, a.engine.talk(b.contact, b"p", b"abc", 0))
    assert flags(world)[4:] == [Flag.ORDINARY] * 2
    assert isinstance(answer := a.answers()[-1], TalkResp)
    assert answer.response == b"cba"
    world.run(b, b.engine.ping(a.contact, 0))
    assert flags(world)[6:] == [Flag.ORDINARY] * 2


def test_the_record_is_sent_only_when_it_is_news() -> None:
    for seq_known, sent in ((None, True), (1, False), (0, True)):
        a, b, world = two()
        a.local.update({b"x": b"1"})
        if seq_known is not None:
            b.known[a.key.node_id] = a.local.record if seq_known else Node(1).local.record
        world.run(a, a.engine.ping(b.contact, 0))
        packet = unmask(b.key.node_id, world.carried[2][1].datagram)
        assert (len(packet.header.authdata) > 34 + 64 + 33) is sent
        assert b.met() == [a.local.record]


def test_requests_made_at_once_share_one_handshake() -> None:
    a, b, world = two()
    sends = []
    for begun in [a.engine.ping(b.contact, 0), a.engine.find_node(b.contact, (0,), 0), a.engine.ping(b.contact, 0)]:
        sends += a.note(begun[1])
    world.carry([(a.endpoint, send) for send in sends])
    assert len(a.answers()) == 3
    assert flags(world).count(Flag.HANDSHAKE) == 1


@pytest.mark.parametrize("lost", range(4))
def test_any_one_packet_may_be_lost(lost: int) -> None:
    a, b, world = two()
    world.lost = lambda index: index == lost
    world.run(a, a.engine.ping(b.contact, 0))
    assert a.answers() == []
    world.pass_time(1.2)
    assert len(a.answers()) == 1
    world.run(a, a.engine.ping(b.contact, world.now))
    assert len(a.answers()) == 2


def test_who_is_silent_is_given_up_with_all_that_waited() -> None:
    a, b, world = two()
    world.lost = lambda index: True
    for _ in range(3):
        world.run(a, a.engine.ping(b.contact, 0))
    world.pass_time(1.9)
    assert a.failures() == 0
    world.pass_time(0.3)
    assert a.failures() == 3
    assert not a.engine.expects(b.endpoint)
    assert len(world.carried) == 2, "one packet and one retry, for the first of the three only"


def test_both_begin_at_once() -> None:
    a, b, world = two()
    begun = [(a.endpoint, send) for send in a.note(a.engine.ping(b.contact, 0)[1])]
    begun += [(b.endpoint, send) for send in b.note(b.engine.ping(a.contact, 0)[1])]
    world.carry(begun)
    world.pass_time(2)
    assert (len(a.answers()), len(b.answers())) == (1, 1)
    so_far = len(world.carried)
    world.run(a, a.engine.ping(b.contact, world.now))
    world.run(b, b.engine.ping(a.contact, world.now))
    assert flags(world)[so_far:] == [Flag.ORDINARY] * 4


def test_a_restarted_peer_gets_a_new_handshake() -> None:
    a, b, world = two()
    world.run(a, a.engine.ping(b.contact, 0))
    world.nodes[b.endpoint] = Node(2, seed=1)
    for _ in range(2):
        world.run(a, a.engine.ping(b.contact, 0))
    assert len(a.answers()) == 3
    assert flags(world)[4:] == [*FULL, Flag.ORDINARY, Flag.ORDINARY]


def test_a_session_holds_at_one_endpoint_only() -> None:
    a, b, world = two()
    world.run(a, a.engine.ping(b.contact, 0))
    [send] = a.note(a.engine.ping(b.contact, 0)[1])
    elsewhere = endpoint_of(3)
    [reply] = b.take(send.datagram, elsewhere, 0)
    assert reply.endpoint == elsewhere
    assert unmask(a.key.node_id, reply.datagram).header.flag is Flag.WHOAREYOU


def test_a_challenge_counts_once_and_from_the_endpoint_asked() -> None:
    a, b, _ = two()
    [noise] = a.note(a.engine.ping(b.contact, 0)[1])
    [challenge] = b.take(noise.datagram, a.endpoint, 0)
    assert a.take(challenge.datagram, endpoint_of(9), 0) == []
    assert len(a.take(challenge.datagram, b.endpoint, 0)) == 1
    assert a.take(challenge.datagram, b.endpoint, 0) == []


def test_a_repeated_handshake_is_dropped() -> None:
    a, b, world = two()
    world.run(a, a.engine.ping(b.contact, 0))
    handshake = world.carried[2][1].datagram
    assert b.take(handshake, a.endpoint, 0) == []
    assert isinstance(b.events[-1], Dropped)


def test_an_old_challenge_is_not_answered() -> None:
    a, b, _ = two()
    [noise] = a.note(a.engine.ping(b.contact, 0)[1])
    [challenge] = b.take(noise.datagram, a.endpoint, 0)
    [handshake] = a.take(challenge.datagram, b.endpoint, 0)
    assert b.take(handshake.datagram, a.endpoint, 1.1) == []
    assert b.met() == []


def test_either_of_two_challenges_may_be_answered() -> None:
    for answered in (0, 1):
        a, b, _ = two()
        noise = [a.engine._noise(b.contact.peer) for _ in range(2)]
        challenges = [b.take(send.datagram, a.endpoint, 0)[0] for _, send in noise]
        data = unmask(a.key.node_id, challenges[answered].datagram).associated
        given, session = initiate(a.key, a.local.record, b.local.record, data, 0, lambda size: b"\7" * size)
        send = a.engine._packet(b.contact.peer, session, Flag.HANDSHAKE, given.encode(), Pong(b"", 1, a.endpoint))[1]  # type: ignore[arg-type]
        b.take(send.datagram, a.endpoint, 0)
        assert b.met() == [a.local.record]


@pytest.mark.parametrize(
    "forged", ["no challenge", "other key", "other record", "other identity", "no record", "other message key"]
)
def test_forged_handshakes_are_dropped(forged: str) -> None:
    a, b, _ = two()
    mallory = Node(3)
    [noise] = a.note(a.engine.ping(b.contact, 0)[1])
    [challenge] = b.take(noise.datagram, a.endpoint, 0)
    data = unmask(a.key.node_id, challenge.datagram).associated
    given, session = initiate(a.key, a.local.record, b.local.record, data, 0, lambda size: b"\7" * size)
    proof = given.id_signature
    if forged in ("other key", "other identity"):
        proof = sign_id(mallory.key, data, given.ephemeral_key, b.key.node_id)
    others = mallory.local.record.raw
    record = {"other record": others, "other identity": others, "no record": b""}.get(forged, a.local.record.raw)
    given = Handshake(a.key.node_id, proof, given.ephemeral_key, record)
    if forged == "other message key":
        session = initiate(a.key, a.local.record, b.local.record, data, 0, lambda size: b"\6" * size)[1]
    nonce = session.next_nonce(bytes)
    header = Header(Flag.HANDSHAKE, nonce, given.encode()).encode(PROTOCOL)
    sealed = session.seal(nonce, bytes.fromhex("01c20101"), bytes(16) + header)
    datagram = mask(b.key.node_id, bytes(16), header, sealed)
    source = endpoint_of(8) if forged == "no challenge" else a.endpoint
    assert b.take(datagram, source, 0) == []
    assert b.met() == []
    assert isinstance(b.events[-1], Dropped)


def test_a_record_numbered_zero_is_sent_to_who_has_none() -> None:
    a, b = private_key(1), Node(2)
    own = Record.sign(a, 0, {})
    assert initiate(a, own, b.local.record, bytes(63), 0, lambda size: b"\7" * size)[0].record == own.raw


def test_a_whoareyou_with_a_message_is_dropped() -> None:
    a, b, _ = two()
    [noise] = a.note(a.engine.ping(b.contact, 0)[1])
    [challenge] = b.take(noise.datagram, a.endpoint, 0)
    assert a.take(challenge.datagram + b"x", b.endpoint, 0) == []
    assert len(a.take(challenge.datagram, b.endpoint, 0)) == 1


def test_nonces_never_repeat_within_a_session() -> None:
    a, b, world = two()
    world.run(a, a.engine.ping(b.contact, 0))
    for _ in range(300):
        world.run(a, a.engine.ping(b.contact, 0))
    nonces = [
        unmask(b.key.node_id, send.datagram).header.nonce for source, send in world.carried[2:] if source == a.endpoint
    ]
    assert len(nonces) == 301
    assert [int.from_bytes(nonce[:4], "big") for nonce in nonces] == list(range(301))


def test_strangers_leave_little_behind() -> None:
    settings = EngineSettings(max_challenges=8, max_sessions=8)
    b = Node(2, settings)
    for number in range(100, 140):
        a = Node(number)
        World(a, b).run(a, a.engine.ping(b.contact, 0))
        [noise] = a.note(a.engine.ping(Contact(b.local.record, Endpoint.of("9.9.9.9", number)), 0)[1])
        assert isinstance(b.take(noise.datagram, endpoint_of(5000 + number), 0)[0], Send)
    assert len(b.engine._sessions._sessions) == 8
    assert len(b.engine._sessions._challenges) == 8
    assert len(b.met()) == 40


def test_records_told_are_verified_and_of_the_distance_asked() -> None:
    a, b, world = two()
    b.tells = [Node(number).local.record for number in range(10, 26)]
    distance = log_distance(b.key.node_id, private_key(10).node_id)
    world.run(a, a.engine.find_node(b.contact, (distance,), 0))
    [found] = a.answers()
    assert isinstance(found, Found)
    expected = {each for each in b.tells if log_distance(b.key.node_id, each.node_id) == distance}
    assert set(found.records) == expected
    assert 0 < len(expected) < 16
