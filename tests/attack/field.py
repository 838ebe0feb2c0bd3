"""Four gateways of four honest operators, a hostile process, and what is to be seen of both."""

from __future__ import annotations

import asyncio
import base64
import json
import math
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.forks import Network
from ssv_protocol.types.ids import OperatorId, Slot
from ssv_protocol.validation.verdict import GossipReason
from tests.attack.committee import Committees, Decision
from tests.support.gateway_messages import Author, Crowd, network_from_now
from tests.support.gateway_operators import Operator, World, registry_state, until, world_of

SEATS = (1, 2, 3, 4)
OTHER = (1, 2, 3, 5)
COMMITTEES = 40
HONEST = 24
"""Committees that decide; the others' keys are the attacker's: operators that registered and turned bad."""
ANSWER_S = 60.0
ROOT = Path(__file__).resolve().parents[2]


class Hostile:
    """The hostile process."""

    def __init__(self, process: asyncio.subprocess.Process, peer_id: str) -> None:
        self.peer_id = peer_id
        self._process = process

    async def over(self) -> dict[str, Any]:
        """Wait for the end of the attack; return what it saw."""
        return await _line(self._process)


@dataclass(frozen=True, slots=True)
class Field:
    """The whole scene. The first gateway is the one attacked."""

    network: Network
    crowd: Crowd
    other: Author
    authors: list[Author]
    world: World
    honest: Committees

    @property
    def gateway(self) -> Operator:
        return self.world.operators[0]

    @asynccontextmanager
    async def hostile(
        self, attack: str, number: int, seconds: float, materials: Sequence[bytes] = (), **more: object
    ) -> AsyncIterator[Hostile]:
        """Run the hostile process: it attacks for so long, and stays connected until left."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.attack.hostile", cwd=ROOT, stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, limit=64 << 20,
        )  # fmt: skip
        job = {
            "attack": attack,
            "address": self.gateway.address,
            "from": f"127.0.2.{number}",
            "topic": self.crowd.topic,
            "other_topic": self.other.topic,
            "domain": self.network.domain_at(Slot(0)).hex(),
            "seconds": seconds,
            "materials": [base64.b64encode(data).decode() for data in materials],
            **more,
        }
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(job).encode() + b"\n")
            await process.stdin.drain()
            yield Hostile(process, (await _line(process))["peer_id"])
        finally:
            process.kill()
            await process.wait()

    async def say_large(self) -> None:
        """Have the attacked gateway publish more than a stream's window holds."""
        for author in self.authors[:6]:
            for _ in range(2):
                reply = await self.gateway.publish(self.crowd.topic, author.proposal(author.members[0], 2_000_000))
                assert not reply.error, reply.error

    async def standing(self, hostile: Hostile) -> float | None:
        """Return the hostile peer's score; None when it is not connected."""
        peers = {peer.peer_id: peer for peer in (await self.gateway.peers()).peers}
        return peers[hostile.peer_id].score.total if hostile.peer_id in peers else None

    async def graylisted(self, hostile: Hostile, threshold: float) -> float:
        """Wait until it is below the graylist threshold, or was let go for it; return its score."""
        score = 0.0

        async def is_so() -> bool:
            nonlocal score
            answer = await self.gateway.peers()
            score = next((peer.score.total for peer in answer.peers if peer.peer_id == hostile.peer_id), -math.inf)
            return score < threshold and (score > -math.inf or hostile.peer_id in answer.banned)

        await until(f"{hostile.peer_id} is graylisted", is_so)
        return score

    async def is_banned(self, hostile: Hostile) -> bool:
        return hostile.peer_id in (await self.gateway.peers()).banned

    async def refused(self, reason: GossipReason | None) -> int:
        """Return how many messages the attacked gateway refused for a reason."""
        return 0 if reason is None else (await self.gateway.peers()).refused_by_reason.get(reason, 0)

    def counter(self, name: str) -> float:
        """Return a counter of the attacked gateway, 0 for no name."""
        text = self.gateway.http("/metrics") or ""
        return float(text.partition(f"\nssv_p2p_gateway_{name} ")[2].split()[0]) if name else 0.0

    async def honest_scores(self) -> list[float]:
        """Return what every gateway thinks of every other."""
        ids = {gateway.address.rpartition("/")[2] for gateway in self.world.operators}
        answers = [await gateway.peers() for gateway in self.world.operators]
        return [peer.score.total for answer in answers for peer in answer.peers if peer.peer_id in ids]

    def peak_mb(self) -> list[float]:
        """Return the most memory that each gateway has held since the last `forget_peaks`."""
        return [_status_mb(gateway, "VmHWM:") for gateway in self.world.operators]

    def forget_peaks(self) -> None:
        """Begin anew with peaks; where the kernel does not allow it they go on from before."""
        for gateway in self.world.operators:
            assert gateway.process is not None
            Path(f"/proc/{gateway.process.pid}/clear_refs").write_text("5")

    def since(self, mark: int) -> list[Decision]:
        """Return the decisions after the first `mark`."""
        return self.honest.decisions[mark:]


def _status_mb(gateway: Operator, name: str) -> float:
    assert gateway.process is not None
    text = Path(f"/proc/{gateway.process.pid}/status").read_text()
    return int(text.partition(name)[2].split()[0]) / 1024


async def _line(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), ANSWER_S)
    assert line, "the hostile process ended"
    return dict(json.loads(line))


@asynccontextmanager
async def field(*, discovery: bool = False) -> AsyncIterator[Field]:
    """Start all that is honest; with `discovery` the gateways find each other by it."""
    keys = {OperatorId(number): OperatorPrivateKey.generate() for number in (*SEATS, 5)}
    network = network_from_now()
    crowd = Crowd(network, keys, SEATS, COMMITTEES)
    state = registry_state(crowd.keys, [*crowd.committees, OTHER])
    authors = [Author(network, crowd.keys, members) for members in crowd.committees[HONEST:]]
    with tempfile.TemporaryDirectory() as folder:
        async with world_of(Path(folder), network, crowd.keys, list(SEATS), state, discovery=discovery) as world:
            await world.meshed(crowd.topic)
            honest = Committees(network, crowd.keys, crowd.topic, crowd.committees[:HONEST], world.operators)
            running = asyncio.create_task(honest.run())
            try:
                yield Field(network, crowd, Author(network, crowd.keys, OTHER), authors, world, honest)
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
