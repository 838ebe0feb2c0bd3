"""Whatever bytes come, one error type or a value comes out: decoders, engine, and the whole node.

Inputs are valid ones, mutated, and random ones. SSV_FUZZ_INPUTS sets how many for each target (default 2,000) and
SSV_FUZZ_SEED their seed.
"""

import os
from collections.abc import Callable
from functools import partial
from random import Random

import looptime
import pytest
from libs.discv5.tests.world import PROTOCOL, Node, World, endpoint_of, private_key, record_of

from ssv_discv5 import rlp
from ssv_discv5.discovery import Discovery, DiscoverySettings
from ssv_discv5.endpoint import Endpoint
from ssv_discv5.enr.record import Record
from ssv_discv5.enr.text import from_text, to_text
from ssv_discv5.errors import MalformedError
from ssv_discv5.identity import node_id_of, verify
from ssv_discv5.ids import RequestId
from ssv_discv5.rate_limit import Rate
from ssv_discv5.wire import message
from ssv_discv5.wire.authdata import Handshake, WhoAreYou
from ssv_discv5.wire.message import FindNode, Nodes, Ping, Pong, TalkReq, TalkResp
from ssv_discv5.wire.packet import Flag, Header, mask, unmask

INPUTS = int(os.environ.get("SSV_FUZZ_INPUTS", "2000"))
SEED = os.environ.get("SSV_FUZZ_SEED", "1")
ID = RequestId(b"\1\2")
MESSAGES = [
    message.encode(each)
    for each in (
        Ping(ID, 7),
        Pong(ID, 7, endpoint_of(3)),
        Pong(ID, 7, Endpoint.of("2001:db8::5", 9)),
        FindNode(ID, (0, 1, 255, 256)),
        Nodes(ID, 2, (record_of(1).raw, record_of(2).raw)),
        TalkReq(ID, b"protocol", b"request"),
        TalkResp(ID, b"response" * 20),
    )
]


def mutated(dice: Random, corpus: list[bytes], longest: int = 1400) -> bytes:
    """Return a corpus entry after a few random changes, or noise."""
    if dice.random() < 0.1:
        return dice.randbytes(dice.randrange(longest))
    data = bytearray(dice.choice(corpus))
    for _ in range(dice.randrange(4)):
        at = dice.randrange(len(data) + 1)
        match dice.randrange(5):
            case 0 if at < len(data):
                data[at] ^= 1 << dice.randrange(8)
            case 1 if at < len(data):
                data[at] = dice.choice((0, 1, 0x7F, 0x80, 0x81, 0xB7, 0xB8, 0xBF, 0xC0, 0xF7, 0xF8, 0xFF))
            case 2:
                del data[at : at + dice.randrange(1, 20)]
            case 3:
                data[at:at] = dice.randbytes(dice.randrange(1, 20))
            case _:
                other = dice.choice(corpus)
                data[at:] = other[dice.randrange(len(other) + 1) :]
    return bytes(data[:longest])


def carried_packets() -> list[bytes]:
    a, b = Node(1), Node(2)
    world = World(a, b)
    world.run(a, a.engine.ping(b.contact, 0))
    world.run(a, a.engine.find_node(b.contact, (0, 256), 0))
    return [send.datagram for source, send in world.carried if source == a.endpoint]


def decode_text(data: bytes) -> Record:
    return from_text("enr:" + data.decode("latin-1"))


def verify_key_and_signature(data: bytes) -> bool:
    node_id_of(data[64:97])
    return verify(data[64:97], bytes(32), data[:64])


KEY = private_key(1)
TARGETS: dict[str, tuple[Callable[[bytes], object], list[bytes]]] = {
    "rlp": (rlp.decode, [record_of(1).raw, *[m[1:] for m in MESSAGES]]),
    "rlp split": (rlp.split, [record_of(1).raw, *[m[1:] for m in MESSAGES]]),
    "record": (Record.decode, [record_of(1).raw, record_of(2, x=bytes(99)).raw]),
    "record text": (decode_text, [to_text(record_of(1))[4:].encode()]),
    "message": (message.decode, MESSAGES),
    "packet": (partial(unmask, private_key(2).node_id), carried_packets()),
    "whoareyou": (WhoAreYou.decode, [WhoAreYou(bytes(16), 1).encode()]),
    "handshake": (
        Handshake.decode,
        [Handshake(KEY.node_id, bytes(64), KEY.public_key, record_of(1).raw).encode()],
    ),
    "key and signature": (verify_key_and_signature, [KEY.sign(bytes(32)) + KEY.public_key]),
}


@pytest.mark.parametrize("target", TARGETS)
def test_decoders_raise_one_error_type(target: str) -> None:
    decode, corpus = TARGETS[target]
    dice = Random(f"{SEED} {target}")
    accepted = 0
    for entry in corpus:
        decode(entry)
    for _ in range(INPUTS):
        try:
            decode(mutated(dice, corpus))
        except MalformedError:
            continue
        accepted += 1
    assert 0 < accepted < INPUTS


def test_what_decodes_encodes_to_the_same() -> None:
    dice = Random(f"{SEED} round trip")
    for _ in range(INPUTS):
        data = mutated(dice, MESSAGES)
        try:
            decoded = message.decode(data)
        except MalformedError:
            continue
        if not isinstance(decoded, Pong):  # a mapped address becomes the address it maps
            assert message.encode(decoded) == data


def test_an_engine_bears_any_packet_and_any_message_of_an_authenticated_peer() -> None:
    dice = Random(f"{SEED} engine")
    a, b = Node(1), Node(2)
    world = World(a, b)
    corpus = carried_packets()
    a.tells = [record_of(n) for n in range(5)]
    for step in range(INPUTS):
        world.now = step / 100
        datagram = mutated(dice, corpus)
        if dice.random() < 0.5:
            world.run(a, a.engine.ping(b.contact, world.now))
            session = a.engine._sessions.writing(b.contact.peer)
            assert session is not None
            nonce = session.next_nonce(dice.randbytes)
            header = Header(Flag.ORDINARY, nonce, a.key.node_id).encode(PROTOCOL)
            plain = mutated(dice, MESSAGES, longest=1190)
            datagram = mask(b.key.node_id, bytes(16), header, session.seal(nonce, plain, bytes(16) + header))
        try:
            unmask(b.key.node_id, datagram)
        except MalformedError:
            continue
        b.take(datagram, a.endpoint, world.now)
        b.note(b.engine.tick(world.now))
    assert len(b.engine._calls) == 0
    world.run(a, a.engine.ping(b.contact, world.now))
    assert b.met()


def test_a_node_bears_a_flood_in_bounded_memory() -> None:
    async def scenario() -> None:
        dice = Random(f"{SEED} node")
        node = Discovery(
            private_key(2),
            1,
            {},
            DiscoverySettings(per_address=Rate(1e6, 1e6), total=Rate(1e6, 1e6)),
            random_bytes=dice.randbytes,
        )
        sent = 0

        def count(endpoint: Endpoint, datagram: bytes) -> None:
            nonlocal sent
            sent += 1

        node.run(count)
        corpus = carried_packets()
        for _ in range(INPUTS):
            node.received(mutated(dice, corpus), endpoint_of(dice.randrange(10**6)))
        assert 0 < sent <= INPUTS, "never more than one packet for one packet"
        for overlay in node.overlays.values():
            assert len(overlay._engine._sessions._challenges) <= 1024
            assert len(overlay._engine._sessions._sessions) <= 2048
            assert len(overlay.table) <= 256
        assert len(node.counts) < 100
        await node.close()

    loop = looptime.new_event_loop(noop_cycles=0)
    try:
        loop.run_until_complete(scenario())
    finally:
        loop.close()
