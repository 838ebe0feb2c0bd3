"""A gateway's node while peers come and go: its memory, its meshes, and what it still holds of those that left.

Eight peers stay for a few seconds each and come back as somebody else, hung up on or cut off in the middle of what they
say; every few seconds one that stays says a message, which all others that are there must hear. Prints a line each
half minute and the slope of the resident memory over the second half. Not a test: it asserts only that messages arrive.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import sys
import time
from pathlib import Path

import trio

from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.types.ids import OperatorId

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the operators of the tests

from bench.gossip import SEATS, Node, running
from bench.gossip_load.peer import LoadPeer
from tests.support.gateway_messages import Crowd, network_from_now

COMMITTEES = 4
VISITORS = 8
PAUSE_S = 3.0
PATIENCE_S = 10.0


def rss_kb(pid: int) -> int:
    """Return the resident memory of a process."""
    return int(Path(f"/proc/{pid}/status").read_text().partition("VmRSS:")[2].split()[0])


async def visit(address: str, topic: str, chance: random.Random) -> None:
    """Be one peer after another."""
    while True:
        with trio.move_on_after(chance.uniform(1, 8)), contextlib.suppress(Exception):  # it may be cut off in a dial
            await LoadPeer(topic).run(address)


async def soak(node: Node, crowd: Crowd, minutes: float) -> list[tuple[float, int]]:
    """Let peers come and go; return times and memory."""
    samples: list[tuple[float, int]] = []
    begun = time.monotonic()
    async with trio.open_nursery() as nursery:
        speaker, hearer = LoadPeer(crowd.topic), LoadPeer(crowd.topic)
        hearer.notes_arrivals = True
        for peer in (speaker, hearer):
            await nursery.start(peer.run, node.address)
        for number in range(VISITORS):
            nursery.start_soon(visit, node.address, crowd.topic, random.Random(number))
        await trio.sleep(PAUSE_S)
        while time.monotonic() - begun < minutes * 60:
            data = crowd.message(len(samples) % len(SEATS))
            speaker.say(data)
            with trio.fail_after(PATIENCE_S):
                while data not in hearer.arrivals:  # noqa: ASYNC110 (another task's, which has no event)
                    await trio.sleep(0.01)
            samples.append((time.monotonic() - begun, rss_kb(node.pid)))
            if len(samples) % int(30 / PAUSE_S) == 1:
                print(f"{samples[-1][0]:6.0f} s  {samples[-1][1] / 1024:7.1f} MB  {len(samples)} messages", flush=True)
            await trio.sleep(PAUSE_S)
        nursery.cancel_scope.cancel()
    return samples


def slope_kb_per_minute(samples: list[tuple[float, int]]) -> float:
    """Return how memory grows over the second half, by least squares."""
    half = samples[len(samples) // 2 :]
    middle = sum(at for at, _ in half) / len(half)
    spread = sum((at - middle) ** 2 for at, _ in half)
    return 60 * sum((at - middle) * kb for at, kb in half) / spread if spread else 0.0


def main() -> None:
    """Run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=2.0)
    minutes = parser.parse_args().minutes
    keys = {OperatorId(number): OperatorPrivateKey.generate() for number in SEATS}
    network = network_from_now()
    crowd = Crowd(network, keys, SEATS, COMMITTEES)
    with running("ours", network, crowd) as node:
        samples = trio.run(soak, node, crowd, minutes)
    print(f"{slope_kb_per_minute(samples):+.0f} kB a minute over the second half, {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
