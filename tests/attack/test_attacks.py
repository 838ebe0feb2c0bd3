"""Attacks on one of four gateways, each by a process of its own.

During each the committees decide everything in the first round, memory stays bounded, nobody honest is scored down, and
the attacker ends as the network's rules say.
"""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from enum import Enum

import pytest
import pytest_asyncio
from rich.console import Console
from rich.table import Table

from ssv_p2p_gateway.gossip.parameters import THRESHOLDS
from ssv_protocol.types.ids import RsaSignature, Slot
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.qbft_message import QbftMessage
from tests.attack.field import Field, field
from tests.support.gateway_messages import Author
from tests.support.gateway_operators import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
FULL = pytest.mark.full
MOST_GROWTH_MB = 150.0
"""Of a gateway's peak, by one attack; the largest single bound is a peer's outbox."""
REJECTED = 30
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


def _resigned(author: Author, signed: SignedSSVMessage, slot: int) -> bytes:
    """Move a message to another slot."""
    content = replace(QbftMessage.decode(signed.ssv_message.data), height=Slot(slot))
    message = replace(signed.ssv_message, data=content.encode())
    return replace(
        signed, ssv_message=message, signatures=(author.keys[signed.operator_ids[0]].sign(message),)
    ).encode()


def _at(offset: int) -> Materials:
    def materials(scene: Field) -> list[bytes]:
        author = scene.authors[0]
        return [_resigned(author, author.signed(author.members[0]), author.slot + offset) for _ in range(REJECTED)]

    return materials


def _forged(scene: Field) -> list[bytes]:
    return [author.forged(author.members[0], author.members[1]) for author in _some(scene)]


def _unregistered(scene: Field) -> list[bytes]:
    """Messages of a committee that nobody registered, of operators that exist."""
    author = Author(scene.network, scene.crowd.keys, (1, 2, 4, 5))
    return [author.message(1) for _ in range(REJECTED)]


def _no_signature(scene: Field) -> list[bytes]:
    return [
        replace(author.signed(author.members[0]), signatures=(RsaSignature(bytes(256)),)).encode()
        for author in _some(scene)
    ]


def _double_proposals(scene: Field) -> list[bytes]:
    """Two of each proposal, with different values: what only an operator gone bad can sign."""
    messages = []
    for author in _some(scene):
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
    return [author.message(seat) for _ in range(20) for author in scene.authors for seat in author.members][:1200]


def _replayed(scene: Field) -> list[bytes]:
    """What the bus was given before, many times."""
    return [message.data for message in scene.gateway.came[-50:]] * 40


def _large(scene: Field) -> list[bytes]:
    return [author.proposal(author.members[0], 200_000) for author in scene.authors[:3]]


def _some(scene: Field) -> list[Author]:
    return list(itertools.islice(itertools.cycle(scene.authors), REJECTED))


CASES = [
    Case("junk", End.GRAYLISTED),
    Case("say_materials", End.GRAYLISTED, _forged, name="another's RSA key"),
    Case("say_materials", End.GRAYLISTED, _no_signature, full=True, name="no RSA signature"),
    Case("say_materials", End.GRAYLISTED, _double_proposals, name="double proposals"),
    Case("say_materials", End.NOTHING, _unregistered, name="unknown committee"),
    Case("say_materials", End.NOTHING, _at(-60), full=True, name="late slots"),
    Case("say_materials", End.NOTHING, _at(30), full=True, name="early slots"),
    Case("wrong_topic", End.NOTHING, lambda scene: _good(scene)[:30]),
    Case("flood", End.NOTHING, _good, name="ten times the rate"),
    Case("flood", End.NOTHING, _replayed, full=True, name="replay"),
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
    started = scene.honest.started
    materials = case.materials(scene)
    async with scene.hostile(case.attack, number, case.seconds, materials, reads=case.reads) as hostile:
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
    if case.attack == "iwant_amplification":
        assert saw["most_copies"] <= 3
    await check_honest(scene, _name(case), score, mark, started, before_mb)


async def check_honest(
    scene: Field, name: str, score: float | None, mark: int, started: int, before_mb: list[float]
) -> None:
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
    mark, started, before = len(scene.honest.decisions), scene.honest.started, scene.peak_mb()
    await asyncio.sleep(SECONDS)
    await check_honest(scene, "none", None, mark, started, before)
