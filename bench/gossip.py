"""One gateway among peers: messages per second, CPU per message, latency at half load; two rivals.

The gateway's node runs in a process of its own, with validation on and without a bus. Peers live in this process and
speak raw gossip over real connections: each says its share of the messages, all different and all good, and counts what
is forwarded to it. First as fast as the gateway takes them, then at an even pace, half of the rate that was reached if
none is told; latency is from the write of one peer to the read of another. The same messages go to py-libp2p's stock
router and to go-libp2p, which is left out where there is no build/go-peer (make interop builds it).

Prints a table and writes build/bench/gossip.json. No figure is asserted; a refused message is an error.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from itertools import islice
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

import trio
from rich.console import Console
from rich.table import Table

from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.forks import Network
from ssv_protocol.types.committee import committee_id
from ssv_protocol.types.ids import Height, OperatorId, Root, Round, Slot
from ssv_protocol.types.message_id import committee_message_id
from ssv_protocol.types.messages import SignedSSVMessage, SSVMessage
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import MsgType, QbftMessageType, RunnerRole

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the operators of the tests

from bench.gossip_load.go import BINARY, run_go
from bench.gossip_load.node import run_ours, run_stock
from bench.gossip_load.peer import LoadPeer
from tests.support.gateway_messages import BACK, KINDS, ROUNDS, Author, Crowd, Members, network_from_now
from tests.support.gateway_operators import registry_state

from ssv_p2p_gateway.collector import settle

OUTPUT = Path(__file__).resolve().parents[1] / "build" / "bench" / "gossip.json"
SEATS = (1, 2, 3, 4)
COMMITTEES = 60
PATIENCE_S = 120.0
ROUTERS: dict[str, Callable[..., None]] = {"ours": run_ours, "stock": run_stock, "go": run_go}


@dataclass(frozen=True, slots=True)
class Result:
    """One row of the table."""

    router: str
    peers: int
    message_bytes: int
    messages: int
    messages_per_s: int
    cpu_us_per_message: int
    forwarded: int
    paced_per_s: int
    paced_p50_ms: float
    paced_p99_ms: float


def messages_of(crowd: Crowd, network: Network, size: int) -> Iterator[bytes]:
    """Write good messages, of each operator in an order that rounds may come in; proposals where a size is given."""
    kinds = (QbftMessageType.PROPOSAL,) if size else KINDS
    now = Author(network, crowd.keys, SEATS).slot
    for back in BACK:
        slot = Slot(now - back)
        for number in map(Round, ROUNDS):
            for members in crowd.committees:
                operators = tuple(map(OperatorId, members))
                leader = network.leader_at(slot)(Height(slot), number, operators)
                for operator in (leader,) if size else operators:
                    for kind in kinds:
                        yield _message(network, crowd, members, operator, (slot, number, kind), size)


def _message(
    network: Network,
    crowd: Crowd,
    members: Members,
    operator: OperatorId,
    place: tuple[Slot, Round, QbftMessageType],
    size: int,
) -> bytes:
    slot, number, kind = place
    value = sha256(repr((members, operator, place)).encode()).digest().ljust(size, b"\0")
    identifier = committee_message_id(
        network.domain_at(slot), RunnerRole.COMMITTEE, committee_id(tuple(map(OperatorId, members)))
    )
    content = QbftMessage(kind, Height(slot), number, identifier, Root(sha256(value).digest()))
    message = SSVMessage(MsgType.CONSENSUS, identifier, content.encode())
    return SignedSSVMessage(
        (crowd.keys[operator].sign(message),), (operator,), message, value if size else b""
    ).encode()


class Node:
    """The process under test."""

    def __init__(self, pipe: Pipe, pid: int) -> None:
        self.pid = pid
        self._pipe = pipe
        self.address: str = pipe.recv()

    def look(self) -> tuple[int, float, dict[str, int]]:
        """Return how many messages were accepted, the CPU time used so far, and what was refused."""
        self._pipe.send(None)
        accepted, cpu_s, refused = self._pipe.recv()
        return accepted, cpu_s, refused


@contextmanager
def running(router: str, network: Network, crowd: Crowd) -> Iterator[Node]:
    """Start a node in another process."""
    context = multiprocessing.get_context("fork")
    near, far = context.Pipe()
    state = registry_state(crowd.keys, crowd.committees)
    process = context.Process(target=ROUTERS[router], args=(far, network, state, crowd.topic))
    process.start()
    assert process.pid is not None
    try:
        yield Node(near, process.pid)
    finally:
        process.kill()
        process.join()


async def until_accepted(node: Node, count: int) -> None:
    """Wait for the node to have accepted so many."""
    with trio.fail_after(PATIENCE_S):
        while True:
            accepted, _, refused = node.look()
            if refused:
                raise RuntimeError(f"refused: {refused}")
            if accepted >= count:
                return
            await trio.sleep(0.02)


async def measure(
    router: str, node: Node, topic: str, peers: int, messages: list[bytes], paced_per_s: float | None
) -> Result:
    """Send half of the messages as fast as they go, the others at an even pace: half of the rate reached, or this."""
    async with trio.open_nursery() as nursery:
        crowd = [LoadPeer(topic) for _ in range(peers)]
        for peer in crowd:
            await nursery.start(peer.run, node.address)
        await trio.sleep(3)  # several heartbeats, so that all are in the mesh
        fast, slow = messages[: len(messages) // 2], messages[len(messages) // 2 :]
        _, cpu_before, _ = node.look()
        begun = time.perf_counter()
        async with trio.open_nursery() as senders:
            for number, peer in enumerate(crowd):
                senders.start_soon(peer.say_all, fast[number::peers])
        await until_accepted(node, len(fast))
        took_s = time.perf_counter() - begun
        _, cpu_after, _ = node.look()
        rate = len(fast) / took_s
        pace = rate / 2 if paced_per_s is None else paced_per_s
        await trio.sleep(1)
        forwarded = sum(peer.heard for peer in crowd)
        sent_at: dict[bytes, float] = {}
        for peer in crowd[:2]:
            peer.notes_arrivals = True
        begun = time.perf_counter()
        for number, data in enumerate(slow):
            await trio.sleep(max(0.0, begun + number / pace - time.perf_counter()))
            sent_at[data] = time.perf_counter()
            crowd[number % peers].say(data)
        await until_accepted(node, len(messages))
        await trio.sleep(1)
        arrivals = {**crowd[1].arrivals, **crowd[0].arrivals}
        took_ms = sorted((arrivals[data] - at) * 1e3 for data, at in sent_at.items() if data in arrivals)
        nursery.cancel_scope.cancel()
    return Result(
        router,
        peers,
        len(messages[0]),
        len(messages),
        round(rate),
        round((cpu_after - cpu_before) / len(fast) * 1e6),
        forwarded,
        round(pace),
        round(took_ms[len(took_ms) // 2], 2),
        round(took_ms[int(len(took_ms) * 0.99)], 2),
    )


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=4000, help="of each case")
    parser.add_argument("--stock-messages", type=int, default=600, help="of each case of the stock router")
    parser.add_argument("--peers", type=int, nargs="*", default=[4, 12])
    parser.add_argument("--value-bytes", type=int, nargs="*", default=[0, 1500], help="0: prepares, commits, changes")
    parser.add_argument("--paced", type=float, help="messages a second of the second half (half of the rate reached)")
    parser.add_argument("--routers", nargs="*", default=list(ROUTERS))
    chosen = parser.parse_args()
    os.environ.setdefault("LIBP2P_DEBUG", "")
    keys = {OperatorId(number): OperatorPrivateKey.generate() for number in SEATS}
    results: list[Result] = []
    for size in chosen.value_bytes:
        for peers in chosen.peers:
            network = network_from_now()
            crowd = Crowd(network, keys, SEATS, COMMITTEES)
            messages = list(islice(messages_of(crowd, network, size), chosen.messages))
            settle()  # pauses of this process would be counted as the nodes'
            for router in chosen.routers:
                if router == "go" and not BINARY.exists():
                    print("no go-libp2p here: build/go-peer is missing")
                    continue
                some = messages[: chosen.stock_messages] if router == "stock" else messages
                with running(router, network, crowd) as node:
                    results.append(trio.run(measure, router, node, crowd.topic, peers, some, chosen.paced))
                print(json.dumps(asdict(results[-1])), flush=True)
    table = Table(title="one gateway among peers, validation on")
    for heading in ("router", "peers", "bytes", "messages", "msg/s", "CPU us/msg", "forwarded", "paced/s", "p50 ms",
                    "p99 ms"):  # fmt: skip
        table.add_column(heading, justify="right")
    for result in results:
        table.add_row(*(str(value) for value in asdict(result).values()))
    Console().print(table)
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps([asdict(result) for result in results], indent=2))


if __name__ == "__main__":
    main()
