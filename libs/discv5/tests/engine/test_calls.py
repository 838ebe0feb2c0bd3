"""Requests: who may answer, answers in parts, and how many may be open."""

import pytest
from libs.discv5.tests.world import Node, World, endpoint_of, record_of

from ssv_discv5.endpoint import Endpoint
from ssv_discv5.engine.calls import Contact
from ssv_discv5.engine.engine import EngineSettings
from ssv_discv5.engine.events import Answered, Found, Requested
from ssv_discv5.engine.nodes import MAX_RECORDS, NodesAnswer, pack
from ssv_discv5.errors import OversizeError, RequestFailedError
from ssv_discv5.ids import RequestId, log_distance
from ssv_discv5.wire import message
from ssv_discv5.wire.message import Nodes, Pong, TalkResp
from ssv_discv5.wire.packet import room_for_message, unmask


def asked() -> tuple[Node, Node, World, Requested]:
    """Return a world in which `a` has a session with `b` and an open FINDNODE to it."""
    a, b = Node(1), Node(2)
    world = World(a, b)
    world.run(a, a.engine.ping(b.contact, 0))
    [send] = a.note(a.engine.find_node(b.contact, (256, 255, 254), 0)[1])
    packet = unmask(b.key.node_id, send.datagram)
    requested = next(e for e in b.engine.receive(packet, a.endpoint, 0) if isinstance(e, Requested))
    return a, b, world, requested


def respond(a: Node, b: Node, requested: Requested, response: message.Response, now: float = 0) -> None:
    for event in b.engine.respond(requested.peer, response):
        a.take(event.datagram, b.endpoint, now)  # type: ignore[union-attr]


def test_an_answer_in_parts_is_complete_with_the_last() -> None:
    a, b, _, requested = asked()
    first = record_of(11)
    respond(a, b, requested, Nodes(requested.request.request_id, 2, (first.raw,)))
    assert len(a.answers()) == 1
    respond(a, b, requested, Nodes(requested.request.request_id, 2, ()))
    assert a.answers()[1] == Found(requested.request.request_id, (first,))


def test_part_of_an_answer_is_better_than_none() -> None:
    a, b, world, requested = asked()
    respond(a, b, requested, Nodes(requested.request.request_id, 5, (record_of(11).raw,)))
    world.lost = lambda index: True
    world.pass_time(0.7)
    assert a.answers()[1] == Found(requested.request.request_id, (record_of(11),))


def test_a_response_of_another_kind_or_id_is_dropped() -> None:
    a, b, _, requested = asked()
    respond(a, b, requested, Pong(requested.request.request_id, 1, a.endpoint))
    respond(a, b, requested, TalkResp(requested.request.request_id, b""))
    respond(a, b, requested, Nodes(RequestId(b"other"), 1, ()))
    assert len([e for e in a.events if isinstance(e, Answered)]) == 1


def test_a_response_of_another_peer_is_dropped() -> None:
    a, _, world, requested = asked()
    c = Node(3)
    world.nodes[c.endpoint] = c
    world.run(c, c.engine.ping(a.contact, 0))
    peer = Requested(a.contact.peer, requested.request)
    respond(a, c, peer, Nodes(requested.request.request_id, 1, ()))
    assert len(a.answers()) == 1


def test_open_requests_are_bounded() -> None:
    a = Node(1, EngineSettings(max_calls=20, max_calls_per_peer=4))
    target = record_of(2)
    for _ in range(4):
        a.engine.ping(Contact(target, endpoint_of(2)), 0)
    with pytest.raises(RequestFailedError):
        a.engine.ping(Contact(target, endpoint_of(2)), 0)
    for number in range(16):
        a.engine.ping(Contact(target, endpoint_of(100 + number)), 0)
    with pytest.raises(RequestFailedError):
        a.engine.ping(Contact(target, endpoint_of(200)), 0)
    a.note(a.engine.tick(1.1))
    a.note(a.engine.tick(2.2))
    assert a.failures() == 20
    a.engine.ping(Contact(target, endpoint_of(2)), 3)


def test_a_talk_request_must_fit_into_a_handshake() -> None:
    a, b = Node(1), Node(2)
    world = World(a, b)
    a.local.update({b"x": bytes(130)})
    sizes = [size for size in range(700, 900) if _fits(a, b, size)]
    assert sizes == list(range(700, sizes[-1] + 1))
    world.run(a, a.engine.talk(b.contact, b"p", bytes(sizes[-1]), 5))
    assert any(isinstance(answer, TalkResp) for answer in a.answers())
    with pytest.raises(OversizeError):
        b.engine.respond(a.contact.peer, TalkResp(RequestId(b"1"), bytes(1300)))


def _fits(a: Node, b: Node, size: int) -> bool:
    probe = Node(1, EngineSettings(max_calls_per_peer=1))
    try:
        probe.engine.talk(b.contact, b"p", bytes(size), 0)
    except OversizeError:
        return False
    return True


@pytest.mark.parametrize("count", [0, 1, 3, 4, 16])
@pytest.mark.parametrize("padding", [0, 60, 157])
def test_records_are_packed_into_packets(count: int, padding: int) -> None:
    records = [record_of(number, x=bytes(padding)) for number in range(count)]
    parts = pack(RequestId(b"12345678"), records)
    assert [raw for part in parts for raw in part.records] == [record.raw for record in records]
    assert {part.total for part in parts} == {len(parts)}
    assert all(len(message.encode(part)) <= room_for_message(32) for part in parts)


def test_what_a_peer_may_tell() -> None:
    teller = record_of(1)
    near, far = Endpoint.of("127.0.0.1", 9), Endpoint.of("9.9.9.9", 9)
    loopback, private = record_of(2, near), record_of(3, Endpoint.of("10.1.2.3", 9))
    public, nowhere = record_of(4), record_of(5, Endpoint.of("0.0.0.0", 9))
    everything = range(257)
    for endpoint, expected in ((near, {loopback, private, public}), (far, {public})):
        answer = NodesAnswer(teller.node_id, endpoint, everything)
        raws = tuple(record.raw for record in (loopback, private, public, nowhere))
        assert answer.add(Nodes(RequestId(b""), 1, (*raws, b"\xc0", b"\xc1\x80")))
        assert set(answer.records) == expected
    answer = NodesAnswer(teller.node_id, far, [log_distance(teller.node_id, public.node_id) - 1])
    assert answer.add(Nodes(RequestId(b""), 1, (public.raw,)))
    assert answer.records == ()


def test_the_number_of_records_is_bounded() -> None:
    answer = NodesAnswer(record_of(1).node_id, endpoint_of(1), range(257))
    for number in range(15):
        assert not answer.add(Nodes(RequestId(b""), 2**63, tuple(record_of(10 * number + n).raw for n in range(3, 9))))
    assert answer.add(Nodes(RequestId(b""), 2**63, ()))
    assert len(answer.records) == MAX_RECORDS
