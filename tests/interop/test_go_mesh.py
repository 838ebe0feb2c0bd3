"""Fourteen Go peers and our gateway on one topic: too many for all to be in its mesh, so gossip and requests count.

Four of the Go peers know each other, the others (loners) know the gateway alone: what these say or hear while they are
out of its mesh goes by IHAVE and IWANT. A heartbeat tells six peers outside the mesh, or a quarter if that is more, and
each message is told of four times; the mesh keeps eight of the fourteen, so all others are told each time and nothing
that the gateway has may pass a loner by. With 18 peers ten are outside and one message in forty would.

What a loner says just before a GRAFT of its own is lost: go-libp2p-pubsub has us in its mesh from then on, and tells of
the last messages only those who are not (ours tells newcomers too). So a loner may lose one message for each GRAFT.

Each Go peer has an address of its own on loopback, because peers that share one are scored down.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

from tests.interop.go_peer import GoPeer, missing
from tests.interop.go_scene import Scene, digest, scene
from tests.support.gateway_operators import until

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
]
PEERS = 14
SECONDS = float(os.environ.get("SSV_INTEROP_SECONDS", "30"))
PER_S = 12.0
KNOWN = 4
"""So many of them know each other; of the rest a mesh, which takes twelve, always leaves some out."""
MESH = 8
"""To so many the gateway cuts its mesh."""
LARGE, EACH_LARGE = 1_500, 10
"""Bytes of a value for which IDONTWANT is worth it, and how many messages from one such to the next."""


async def opened(one: Scene) -> list[GoPeer]:
    """Start the Go peers and connect them with the gateway, the loners last."""
    peers = [await one.open(listen=f"127.0.1.{number + 1}") for number in range(PEERS)]
    for a, b in itertools.combinations(peers[:KNOWN], 2):
        await a.connect(b.address)
    await connected(one, peers[:KNOWN])
    await one.gateway.meshed(one.topic, KNOWN)
    await connected(one, peers)
    await one.gateway.meshed(one.topic, MESH)
    return peers


async def connected(one: Scene, peers: list[GoPeer]) -> None:
    """Have the gateway dial every other peer and the rest dial it; wait until each knows what the other listens to."""
    one.dial(peers[::2])
    for peer in peers[1::2]:
        await peer.connect(one.gateway.address)

    async def all_know_us() -> bool:
        reports = [await peer.report() for peer in peers]
        return all(report["neighbours"].get(one.peer_id, {}).get("protocol") for report in reports)

    await until("every Go peer has a gossip stream of ours", all_know_us)

    async def we_know_all() -> bool:
        meshes = (await one.gateway.peers()).meshes
        return any(mesh.topic == one.topic and mesh.subscribers == len(peers) for mesh in meshes)

    await until("the gateway knows what every Go peer listens to", we_know_all)


async def say(one: Scene, peers: list[GoPeer], seconds: float) -> tuple[list[bytes], list[tuple[GoPeer, bytes]]]:
    """Have the gateway and the Go peers speak in turn; return what each side said."""
    ours: list[bytes] = []
    theirs: list[tuple[GoPeer, bytes]] = []
    loop = asyncio.get_running_loop()
    begun = loop.time()
    for number in range(int(seconds * PER_S)):
        await asyncio.sleep(max(0.0, begun + number / PER_S - loop.time()))
        size = LARGE if number % EACH_LARGE == 0 else 0
        if number % 3 == 0:
            ours += one.own_messages(1, size)
            await one.publish(ours[-1:], PER_S)
        else:
            speaker = peers[number % len(peers)]
            theirs += [(speaker, message) for message in one.others_messages(1, size)]
            await speaker.publish(one.topic, [theirs[-1][1]])
    return ours, theirs


def show(counts: Counter[str], own_id: str, reports: list[Mapping[str, Any]]) -> None:
    """Print the figures."""
    table = Table(title=f"our gateway among {PEERS} Go peers, {SECONDS:.0f} s")
    for heading in ("peer", "in its mesh", "lowest score", "score", "P7", "ids in our IHAVE", "in its", "we asked for",
                    "it asked for"):  # fmt: skip
        table.add_column(heading, justify="right")
    for number, report in enumerate(reports):
        us = report["neighbours"][own_id]
        score = us["score"]
        table.add_row(*map(str, (
            number, bool(us["mesh"]), round(score["lowest"], 3), round(score["now"], 3), score["behaviour"],
            us["in"]["ihave"], us["out"]["ihave"], us["in"]["iwant"], us["out"]["iwant"],
        )))  # fmt: skip
    Console(width=140).print(table)
    print(dict(counts))


async def test_our_score_is_never_negative_and_nothing_is_lost() -> None:
    async with scene() as one:
        peers = await opened(one)
        ours, theirs = await say(one, peers, SECONDS)
        known = {digest(message) for speaker, message in theirs if speaker in peers[:KNOWN]}
        own = {peer.number: {digest(message) for speaker, message in theirs if speaker is peer} for peer in peers}
        said = set(map(digest, ours)) | set().union(*own.values())

        def came() -> Counter[str]:
            return Counter(digest(message.data) for message in one.gateway.came)

        async def missed(peer: GoPeer) -> int:
            """Count what the gateway had and the peer has not, but for what it said itself."""
            reached = came().keys() | set(map(digest, ours))
            return len(reached - own[peer.number] - set(await peer.received()))

        async def all_is_there() -> bool:
            return known <= came().keys() and not sum([await missed(peer) for peer in peers])

        with suppress(TimeoutError):  # it is asserted below, after the figures are shown
            await until("every Go peer has every message that the gateway has", all_is_there)
        reports = [await peer.report() for peer in peers]
        neighbours = [report["neighbours"][one.peer_id] for report in reports]
        counts: Counter[str] = Counter(said=len(ours), heard=len(came()))
        counts["missed"] = sum([await missed(peer) for peer in peers])
        counts["never heard"] = len(said) - len(ours) - len(came())
        for neighbour in neighbours:
            for way, name in itertools.product(("in", "out"), ("ihave", "iwant", "idontwant", "graft", "prune")):
                counts[f"{name} {way}"] += neighbour[way][name]
        show(counts, one.peer_id, reports)

        assert [neighbour["score"]["lowest"] for neighbour in neighbours] == [0] * PEERS
        assert all(report["rejected"] == {} for report in reports)
        assert await one.refused() == {}
        assert all(peer.score.total >= 0 for peer in (await one.gateway.peers()).peers)
        for name in ("ihave", "iwant", "idontwant"):
            assert counts[f"{name} in"] > 0
            assert counts[f"{name} out"] > 0
        assert counts["missed"] == 0
        assert known <= came().keys()
        for peer, neighbour in zip(peers, neighbours, strict=True):
            assert len(own[peer.number] - came().keys()) <= neighbour["out"]["graft"]
        assert set(came().values()) == {1}
        for peer in peers:
            received = await peer.received()
            assert len(set(received)) == len(received)
            assert set(received) <= said
