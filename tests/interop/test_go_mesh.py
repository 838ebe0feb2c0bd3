"""Sixteen Go peers and our gateway on one topic: too many for all to be in its mesh, so gossip and requests are needed.

Half of the Go peers know each other, the other half knows the gateway alone: what these say or hear while they are out
of its mesh goes by IHAVE and IWANT. They may miss a few messages, those between the last IHAVE and the GRAFT that takes
them in: by the protocol nobody but another peer could tell them, and they have none. So it is with what they say.

Each Go peer has an address of its own on loopback, because peers that share one are scored down.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from collections import Counter
from collections.abc import Mapping
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
PEERS = 16
SECONDS = float(os.environ.get("SSV_INTEROP_SECONDS", "30"))
PER_S = 12.0
KNOWN = PEERS // 2
"""So many of them know each other."""
LARGE, EACH_LARGE = 1_500, 10
"""Bytes of a value for which IDONTWANT is worth it, and how many messages from one such to the next."""
MOST_MISSED = 0.05
"""Of all messages by a peer that knows the gateway alone, and of its messages by the gateway."""


async def opened(one: Scene) -> list[GoPeer]:
    """Start the Go peers; the gateway dials every other one, the rest dial it, and some each other."""
    peers = [await one.open(listen=f"127.0.1.{number + 1}") for number in range(PEERS)]
    one.dial(peers[::2])
    for peer in peers[1::2]:
        await peer.connect(one.gateway.address)
    for a, b in itertools.combinations(peers[:KNOWN], 2):
        await a.connect(b.address)

    async def all_know_us() -> bool:
        reports = [await peer.report() for peer in peers]
        return all(report["neighbours"].get(one.peer_id, {}).get("protocol") for report in reports)

    await until("every Go peer has a gossip stream of ours", all_know_us)
    await one.gateway.meshed(one.topic, 6)
    return peers


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
        said = [message for _, message in theirs]
        every = Counter(map(digest, ours + said))
        known = {digest(message) for speaker, message in theirs if speaker in peers[:KNOWN]}

        def came() -> Counter[str]:
            return Counter(digest(message.data) for message in one.gateway.came)

        await until("the gateway has all of every Go peer that knows others", lambda: known <= came().keys())
        assert set(came().values()) == {1}
        assert not came() - every

        async def missed(peer: GoPeer) -> int:
            # a peer does not hear what it said itself
            said = sum(speaker is peer for speaker, _ in theirs)
            return every.total() - said - len(await peer.received())

        async def all_came() -> bool:
            return not sum([await missed(peer) for peer in peers[:KNOWN]])

        await until("every Go peer that knows others has every message", all_came)
        for peer in peers:
            assert not Counter(await peer.received()) - every
            assert await missed(peer) <= MOST_MISSED * every.total()
        reports = [await peer.report() for peer in peers]
        neighbours = [report["neighbours"][one.peer_id] for report in reports]
        counts: Counter[str] = Counter(said=len(ours), heard=len(theirs))
        counts["missed by those that know us alone"] = sum([await missed(peer) for peer in peers])
        counts["missed of those that know us alone"] = len(said) - came().total()
        for neighbour in neighbours:
            for way, name in itertools.product(("in", "out"), ("ihave", "iwant", "idontwant", "graft", "prune")):
                counts[f"{name} {way}"] += neighbour[way][name]
        show(counts, one.peer_id, reports)
        assert counts["missed of those that know us alone"] <= MOST_MISSED * len(said)
        assert [neighbour["score"]["lowest"] for neighbour in neighbours] == [0] * PEERS
        assert all(report["rejected"] == {} for report in reports)
        assert await one.refused() == {}
        assert all(peer.score.total >= 0 for peer in (await one.gateway.peers()).peers)
        for name in ("ihave", "iwant", "idontwant"):
            assert counts[f"{name} in"] > 0
            assert counts[f"{name} out"] > 0
