"""The Go peers as a child process: one request a line, one answer a line."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ssv_p2p_gateway.gossip.message_rate import topic_messages_per_epoch
from ssv_p2p_gateway.gossip.parameters import epoch_duration_s
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.forks import Network
from ssv_protocol.registry.state import RegistryState
from ssv_protocol.types.ids import OperatorId, Slot

BINARY = Path(__file__).resolve().parents[2] / "build" / "go-peer"
ANSWER_S = 240.0
LARGEST_ANSWER = 64 << 20


def missing() -> str | None:
    """Return what to do before the peers can run, None when they can."""
    return None if BINARY.exists() else "build/go-peer is missing (make interop builds it where there is a Go)"


@dataclass(frozen=True, slots=True)
class GoPeer:
    """One libp2p host with one pubsub router, in a process with others."""

    process: GoProcess
    number: int
    peer_id: str
    address: str

    async def connect(self, address: str) -> None:
        """Dial a peer."""
        await self.process.do("connect", peer=self.number, address=address)

    async def publish(self, topic: str, messages: Sequence[bytes], per_s: float = 0) -> None:
        """Publish, at an even pace where one is given."""
        data = [base64.b64encode(message).decode() for message in messages]
        await self.process.do("publish", peer=self.number, topic=topic, data=data, per_s=per_s)

    async def received(self) -> list[str]:
        """Return the SHA-256 of all that came from others, in hex."""
        return list(await self.process.do("received", peer=self.number))

    async def report(self) -> Mapping[str, Any]:
        """Return what it counted, and what it thinks of its neighbours."""
        return dict(await self.process.do("report", peer=self.number))

    async def neighbour(self, peer_id: str) -> dict[str, Any]:
        """Return what it counted of one neighbour; raises KeyError for one that it never met."""
        return dict((await self.report())["neighbours"][peer_id])

    async def close(self) -> None:
        """End this host alone."""
        await self.process.do("close", peer=self.number)


class GoProcess:
    """A running process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.pid = process.pid
        self._process = process
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}

    async def open(
        self,
        network: Network,
        topics: Mapping[str, float],
        *,
        muxer: str = "yamux",
        listen: str = "127.0.0.1",
        by_address: bool = True,
        operators: Mapping[OperatorId, OperatorPrivateKey] | None = None,
        lenient: bool = False,
    ) -> GoPeer:
        """Start a host on `topics`, of each of which so many messages are expected in an epoch.

        With `operators` it rejects what none of them signed.
        """
        chain = network.chain
        opened = await self.do(
            "open",
            listen=listen,
            muxer=muxer,
            domain=f"0x{network.domain_at(Slot(0)).hex()}",
            slot_s=chain.slot_duration_s,
            epoch_s=epoch_duration_s(chain),
            by_address=by_address,
            lenient=lenient,
            topics=dict(topics),
            operators={str(number): key.public_pem().decode() for number, key in (operators or {}).items()},
        )
        return GoPeer(self, opened["peer"], opened["peer_id"], opened["address"])

    async def do(self, action: str, **arguments: object) -> Any:
        """Have something done and return the result; raises AssertionError with the process's own error."""
        number = next(self._ids)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"id": number, "do": action, **arguments}).encode() + b"\n")
        await self._process.stdin.drain()
        return await asyncio.wait_for(answer, ANSWER_S)

    async def listen(self) -> None:
        """Take answers until the process ends."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            answer = json.loads(line)
            waiting = self._waiting.pop(answer["id"])
            if waiting.done():
                continue
            if "error" in answer:
                waiting.set_exception(AssertionError(answer["error"]))
            else:
                waiting.set_result(answer.get("result"))
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(AssertionError("the Go process ended"))


@asynccontextmanager
async def go_process() -> AsyncIterator[GoProcess]:
    """Run a process with no hosts yet."""
    process = await asyncio.create_subprocess_exec(
        BINARY, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=LARGEST_ANSWER
    )
    assert process.stdin is not None
    running = GoProcess(process)
    listening = asyncio.create_task(running.listen())
    try:
        yield running
    finally:
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()
            await process.wait()
        await listening


def expected_messages(network: Network, slot: Slot, state: RegistryState, topics: Sequence[str]) -> dict[str, float]:
    """Return how many messages a node expects of each topic in an epoch."""
    rates = topic_messages_per_epoch(network, slot, state)
    return {topic: rates.get(topic, 0.0) for topic in topics}
