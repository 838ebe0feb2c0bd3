"""Attacks on one of four gateways, each by a process of its own.

During each the committees decide everything in the first round, memory stays bounded, nobody honest is scored down, and
the attacker ends as the network's rules say.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import pytest
import pytest_asyncio
from rich.console import Console
from rich.table import Table

from ssv_discv5 import SSV, Discovery, DiscoverySettings, PrivateKey
from ssv_p2p_gateway.gossip.parameters import THRESHOLDS
from ssv_p2p_gateway.peers.address_limit import BURST
from ssv_protocol.types.ids import Height, RsaSignature
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.validation.verdict import GossipReason
from tests.attack.field import Field, field
from tests.support.gateway_messages import Author
from tests.support.gateway_operators import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
FULL = pytest.mark.full
MOST_GROWTH_MB = 150.0
"""Of a gateway's peak, by one attack; the largest single bound is a peer's outbox."""
REJECTED = 30
UNSPOILT = 8
"""So many of the attacker's committees never contradict themselves."""
FEWEST = 20
"""Messages of an attack that must have been judged."""
MOST_COPIES = 3
"""Of a message, for one peer that asks again and again."""
SECONDS = 5.0
ROWS: list[tuple[str, ...]] = []


class End(Enum):
    """What becomes of the attacker."""

    GRAYLISTED = "graylisted"
    SCORED_DOWN = "scored down"
    NOTHING = "nothing held against it"
    ANY = "-"


Materials = Callable[[Field], list[bytes]]


@dataclass(frozen=True, slots=True)
class Case:
    attack: str
    end: End
    materials: Materials = lambda scene: []
    seconds: float = SECONDS
    reads: bool = True
    full: bool = False
    name: str = ""
    reason: GossipReason | None = None
    """Why validation refuses what it sends."""
    counter: str = ""
    """Of the gateway's metrics, which must grow where no message gets as far as validation."""


def _resigned(author: Author, signed: SignedSSVMessage, slot: int) -> bytes:
    """Move a message to another slot."""
    content = replace(QbftMessage.decode(signed.ssv_message.data), height=Height(slot))
    message = replace(signed.ssv_message, data=content.encode())
    return replace(
        signed, ssv_message=message, signatures=(author.keys[signed.operator_ids[0]].sign(message),)
    ).encode()


def _at(offset: int) -> Materials:
    def materials(scene: Field) -> list[bytes]:
        return [
            _resigned(author, author.signed(author.members[0]), author.slot + offset)
            for author in itertools.islice(itertools.cycle(scene.authors[:UNSPOILT]), REJECTED)
        ]

    return materials


def _forged(scene: Field) -> list[bytes]:
    return [author.forged(author.members[0], author.members[1]) for author in _some(scene)]


def _unregistered(scene: Field) -> list[bytes]:
    """Messages of a committee that nobody registered, of operators that exist."""
    author = Author(scene.network, scene.crowd.keys, (1, 2, 4, 5))
    return [author.message(1) for _ in range(REJECTED)]


def _unsigned(scene: Field) -> list[bytes]:
    return [
        replace(author.signed(author.members[0]), signatures=(RsaSignature(bytes(256)),)).encode()
        for author in _some(scene)
    ]


def _doubled(scene: Field) -> list[bytes]:
    """Two of each proposal, with different values: what only an operator gone bad can sign."""
    messages = []
    for author in scene.authors[UNSPOILT:]:
        for seat in author.members:
            first = author.signed(seat, 100)
            author.taken.clear()
            author.count += 1
            again = author.signed(seat, 100)
            assert QbftMessage.decode(first.ssv_message.data).round == QbftMessage.decode(again.ssv_message.data).round
            messages += [first.encode(), again.encode()]
            author.taken.clear()
    return messages


def _good(scene: Field) -> list[bytes]:
    return [author.message(seat) for _ in range(30) for author in scene.authors[:UNSPOILT] for seat in author.members]


def _replayed(scene: Field) -> list[bytes]:
    """What the bus was given before, many times."""
    return [message.data for message in scene.gateway.came[-50:]] * 40


def _large(scene: Field) -> list[bytes]:
    return [author.proposal(author.members[0], 200_000) for author in scene.authors[:3]]


def _some(scene: Field) -> list[Author]:
    return list(itertools.islice(itertools.cycle(scene.authors[:UNSPOILT]), REJECTED))


CASES = [
    Case("junk", End.GRAYLISTED, reason=GossipReason.UNDECODABLE),
    Case("say_materials", End.GRAYLISTED, _forged, name="another's RSA key", reason=GossipReason.SIGNATURE),
    Case(
        "say_materials",
        End.GRAYLISTED,
        _unsigned,
        full=True,
        name="no RSA signature",
        reason=GossipReason.SIGNATURE,
    ),
    Case("say_materials", End.GRAYLISTED, _doubled, name="double proposals", reason=GossipReason.OTHER_PROPOSAL),
    Case("say_materials", End.NOTHING, _unregistered, name="unknown committee", reason=GossipReason.UNKNOWN_COMMITTEE),
    Case("say_materials", End.NOTHING, _at(-60), full=True, name="late slots", reason=GossipReason.TOO_LATE),
    Case("say_materials", End.NOTHING, _at(30), full=True, name="early slots", reason=GossipReason.TOO_EARLY),
    Case("wrong_topic", End.NOTHING, lambda scene: _good(scene)[:30], reason=GossipReason.WRONG_TOPIC),
    Case("flood", End.NOTHING, _good, name="ten times the rate"),
    Case("flood", End.NOTHING, _replayed, full=True, name="replay", counter="gossip_duplicates_total"),
    Case("oversized", End.ANY),
    Case("no_rpc", End.GRAYLISTED, full=True),
    Case("ihave_flood", End.GRAYLISTED, seconds=8),
    Case("huge_ihaves", End.ANY, full=True),
    Case("graft_flood", End.GRAYLISTED),
    Case("iwant_amplification", End.NOTHING, _large, full=True),
    Case("subscriptions", End.NOTHING),
    Case("half_open_streams", End.ANY, full=True, seconds=8),
    Case("slow_reads", End.NOTHING, reads=False, full=True, seconds=10),
    Case("sybils", End.ANY, full=True, seconds=8),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene() -> AsyncIterator[Field]:
    async with field() as one:
        yield one
    table = Table(title="attacks on one of four gateways")
    for heading in ("attack", "its score", "decided", "later rounds", "p50 ms", "p99 ms", "peak MB", "grown MB"):
        table.add_column(heading, justify="right")
    for row in ROWS:
        table.add_row(*row)
    Console(width=140).print(table)


def _name(case: Case) -> str:
    return case.name or case.attack.replace("_", " ")


@pytest.mark.parametrize("case", [pytest.param(one, marks=FULL if one.full else (), id=_name(one)) for one in CASES])
async def test_attack(scene: Field, case: Case) -> None:
    number = CASES.index(case) + 1
    scene.forget_peaks()
    before_mb, mark = scene.peak_mb(), len(scene.honest.decisions)
    refused, counted = await scene.refused(case.reason), scene.counter(case.counter)
    materials = case.materials(scene)
    async with scene.hostile(case.attack, number, case.seconds, materials, reads=case.reads) as hostile:
        if not case.reads:
            await scene.say_large()
        saw = await hostile.over()
        score: float | None = None
        if case.end is End.GRAYLISTED:
            score = await scene.graylisted(hostile, THRESHOLDS.graylist)
        elif case.end is End.NOTHING:
            score = await scene.standing(hostile)
            assert score is not None, saw
            assert score >= 0, saw
        else:
            score = await scene.standing(hostile)
        await check_effect(scene, case, refused, counted, saw)
    await check_honest(scene, _name(case), score, mark, before_mb)


async def check_effect(scene: Field, case: Case, refused: int, counted: float, saw: dict[str, Any]) -> None:
    """The attack did what it is named for, and the gateway's bounds held."""
    if case.reason is not None:
        assert await scene.refused(case.reason) >= refused + FEWEST
    if case.counter:
        assert scene.counter(case.counter) > counted + FEWEST
    if case.attack == "iwant_amplification":
        assert 0 < saw["most_copies"] <= MOST_COPIES
    if case.attack == "slow_reads":
        assert saw["most_copies"] == 0
    if case.attack == "sybils":
        neighbours = (await scene.gateway.peers()).peers
        assert sum("127.0.2." in peer.address for peer in neighbours) <= BURST + 1


@FULL
async def test_who_is_graylisted_is_let_go_and_not_let_in_again(scene: Field) -> None:
    """The broom comes by every half minute; the peer's next connections are refused."""
    async with scene.hostile("junk", len(CASES) + 1, SECONDS) as hostile:
        await hostile.over()
        await scene.graylisted(hostile, THRESHOLDS.graylist)
        await until("it is let go", lambda: scene.is_banned(hostile))
        assert await scene.standing(hostile) is None


@FULL
async def test_datagrams_at_the_discovery_port() -> None:
    """Twenty thousand that are no packets; then somebody asks politely."""
    async with field(discovery=True) as one:
        one.forget_peaks()
        before = one.peak_mb()
        async with one.hostile("datagrams", 1, 10, udp_port=one.gateway.record.udp) as hostile:
            await hostile.over()
            await check_honest(one, "datagrams", await one.standing(hostile), 0, before)
        polite = Discovery(PrivateKey(os.urandom(32)), 1, {}, DiscoverySettings(protocol_ids=(SSV,)))
        await polite.start("127.0.0.1", 0)
        try:
            pong = await polite.overlays[SSV].ping(one.gateway.record)
            assert pong.enr_seq >= one.gateway.record.seq
        finally:
            await polite.close()


async def check_honest(scene: Field, name: str, score: float | None, mark: int, before_mb: list[float]) -> None:
    """The committees decided everything that was begun, in the first round; gateways think well of each other."""
    begun = scene.honest.started - 1
    await until("all is decided", lambda: len(scene.honest.decisions) >= begun * len(scene.world.operators))
    decisions = scene.since(mark)
    took = sorted(one.took_ms for one in decisions)
    later = [one for one in decisions if one.round > 1]
    peak = scene.peak_mb()
    growth = max(after - before for after, before in zip(peak, before_mb, strict=True))
    ROWS.append((
        name, "gone" if score in (None, -math.inf) else f"{score:.0f}", str(len(decisions)), str(len(later)),
        f"{took[len(took) // 2]:.0f}", f"{took[int(len(took) * 0.99)]:.0f}", f"{max(peak):.0f}", f"{growth:.0f}",
    ))  # fmt: skip
    assert scene.honest.refused == []
    assert later == []
    assert growth < MOST_GROWTH_MB
    assert all(honest >= 0 for honest in await scene.honest_scores())


async def test_quiet(scene: Field) -> None:
    """What the figures are without an attack."""
    mark, before = len(scene.honest.decisions), scene.peak_mb()
    await asyncio.sleep(SECONDS)
    await check_honest(scene, "none", None, mark, before)
