"""ssv_discv5 and @chainsafe/discv5: each begins the handshake, asks and is asked, under both protocol ids."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from ssv_discv5 import LEGACY, SSV, Discovery, DiscoverySettings, PrivateKey, endpoint_pairs, from_text, to_text
from ssv_discv5.endpoint import Endpoint
from ssv_discv5.errors import RequestFailedError
from ssv_discv5.ids import log_distance
from tests.interop.js_peer import JsPeer, js_peer, missing

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
]
IDS = pytest.mark.parametrize("protocol_id", [SSV, LEGACY], ids=["ssvdv5", "discv5"])
PAIRS = {b"ssv": b"\x01", b"subnets": bytes(range(16)), b"domaintype": bytes.fromhex("00000302"), b"tcp": b"\x32\xc9"}


@asynccontextmanager
async def our_node() -> AsyncIterator[Discovery]:
    node = Discovery(
        PrivateKey(os.urandom(32)),
        7,
        PAIRS,
        DiscoverySettings(protocol_ids=(SSV, LEGACY), fixed_endpoint=True),
        talk_handlers={b"echo": lambda peer, request: b"py:" + request},
    )
    bound = await node.start("127.0.0.1", 0)
    node.update(endpoint_pairs(bound))
    try:
        yield node
    finally:
        await node.close()


@asynccontextmanager
async def both(protocol_id: bytes) -> AsyncIterator[tuple[Discovery, JsPeer]]:
    async with our_node() as node, js_peer(protocol_id.decode()) as peer:
        yield node, peer


async def test_records_are_read_by_both() -> None:
    async with both(LEGACY) as (node, peer):
        theirs = from_text(peer.enr)
        assert theirs.get(b"subnets") == b"\x0f" * 16
        assert theirs.endpoint(4) is not None
        ours = await peer.do("decode", text=to_text(node.enr))
        assert ours == {
            "nodeId": node.enr.node_id.hex(),
            "seq": node.enr.seq,
            "ip": "127.0.0.1",
            "udp": node.enr.udp,
            "tcp": 13001,
            "subnets": bytes(range(16)).hex(),
            "ssv": "01",
            "domaintype": "00000302",
        }


@IDS
async def test_we_begin(protocol_id: bytes) -> None:
    async with both(protocol_id) as (node, peer):
        overlay = node.overlays[protocol_id]
        theirs = from_text(peer.enr)
        pong = await overlay.ping(theirs)
        assert (pong.enr_seq, pong.recipient) == (theirs.seq, Endpoint.of("127.0.0.1", node.enr.udp or 0))
        assert await overlay.find_node(theirs, (0,)) == (theirs,)
        assert await overlay.talk(theirs, b"echo", b"hello") == b"js:hello"
        assert await peer.do("talks") == [b"hello".hex()]


@IDS
async def test_they_begin(protocol_id: bytes) -> None:
    async with both(protocol_id) as (node, peer):
        ours = to_text(node.enr)
        assert await peer.do("ping", text=ours) == {"enrSeq": node.enr.seq, "port": from_text(peer.enr).udp}
        assert await peer.do("findNode", text=ours, distances=[0]) == [ours]
        assert bytes.fromhex(await peer.do("talk", text=ours, protocol="echo", request="abcd")) == b"py:\xab\xcd"
        assert bytes.fromhex(await peer.do("talk", text=ours, protocol="unknown", request="abcd")) == b""
        assert node.counts["handshake:accepted"] == 1


@IDS
async def test_each_finds_through_the_other(protocol_id: bytes) -> None:
    """A third node is known to one side only; the other learns of it by FINDNODE, and by a lookup."""
    async with both(protocol_id) as (node, peer), our_node() as third:
        overlay = node.overlays[protocol_id]
        theirs = from_text(peer.enr)
        # through us: the third node answered our ping, so we tell of it
        overlay.table.add(third.enr, 0)
        await overlay.query(third.enr, (256,))
        distance = log_distance(node.enr.node_id, third.enr.node_id)
        told = await peer.do("findNode", text=to_text(node.enr), distances=[distance])
        assert to_text(third.enr) in told
        # through them: they have met us and the third node
        await third.overlays[protocol_id].ping(theirs)
        await peer.do("ping", text=to_text(third.enr))
        distance = log_distance(theirs.node_id, third.enr.node_id)
        found = await overlay.find_node(theirs, (distance,))
        assert third.enr in found


async def test_another_protocol_id_is_dropped() -> None:
    async with our_node() as node, js_peer("ssvdvX") as peer:
        with pytest.raises(RequestFailedError):
            await node.overlays[SSV].ping(from_text(peer.enr))
        with pytest.raises(AssertionError, match="RPC failure"):
            await peer.do("ping", text=to_text(node.enr))
        assert node.counts["dropped:another protocol id"] > 0
