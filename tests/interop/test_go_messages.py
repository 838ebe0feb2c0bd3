"""Our gateway and a Go SSV node's libp2p: a thousand messages each way, large ones too, whoever dials, either muxer."""

from __future__ import annotations

import asyncio

import pytest

from tests.interop.go_peer import GoPeer, missing
from tests.interop.go_scene import Scene, scene
from tests.support.gateway_operators import until

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
]
MESSAGES, PER_S = 1_000, 250.0
FULL = pytest.mark.full
MUXER = pytest.mark.parametrize("muxer", ["yamux", "mplex"])


async def meet(one: Scene, muxer: str, *, we_dial: bool) -> GoPeer:
    peer = await one.open(muxer=muxer)
    if we_dial:
        one.dial([peer])
    else:
        await peer.connect(one.gateway.address)
    await one.meshed(peer)
    return peer


async def check_standing(one: Scene, peer: GoPeer) -> None:
    """Neither holds anything against the other."""
    theirs = await peer.report()
    assert theirs["rejected"] == {}
    assert theirs["neighbours"][one.peer_id]["score"]["lowest"] == 0
    (ours,) = (await one.gateway.peers()).peers
    assert ours.score.total >= 0
    assert await one.refused() == {}


@MUXER
@pytest.mark.parametrize("we_dial", [pytest.param(True, marks=FULL), False], ids=["we-dial", "they-dial"])
async def test_a_thousand_messages_each_way(muxer: str, we_dial: bool) -> None:
    async with scene() as one:
        peer = await meet(one, muxer, we_dial=we_dial)
        ours, theirs = one.own_messages(MESSAGES), one.others_messages(MESSAGES)
        await asyncio.gather(one.publish(ours, PER_S), peer.publish(one.topic, theirs, PER_S))
        await one.heard_by(peer, ours)
        await one.heard_by_gateway(theirs)
        await check_standing(one, peer)


@MUXER
@pytest.mark.parametrize(
    ("size", "count"), [(200_000, 20), pytest.param(5_000_000, 3, marks=FULL)], ids=["200kB", "5MB"]
)
async def test_large_messages_each_way(muxer: str, size: int, count: int) -> None:
    async with scene() as one:
        peer = await meet(one, muxer, we_dial=True)
        ours, theirs = one.own_messages(count, size), one.others_messages(count, size)
        await asyncio.gather(one.publish(ours, 10), peer.publish(one.topic, theirs, 10))
        await one.heard_by(peer, ours)
        await one.heard_by_gateway(theirs)
        await check_standing(one, peer)


async def test_a_handshake_of_either_side_is_taken() -> None:
    async with scene() as one:
        dialled, dialling = await one.open(listen="127.0.1.1"), await one.open(listen="127.0.1.2")
        one.dial([dialled])
        await dialling.connect(one.gateway.address)
        for peer in (dialled, dialling):
            await one.meshed(peer)

            async def shaken(peer: GoPeer = peer) -> bool:
                return str((await peer.neighbour(one.peer_id))["handshake"]) == "ok"

            await until("a handshake", shaken)
