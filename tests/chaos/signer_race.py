"""Two signers on one database, asked at once for things of which only one may be signed: does exactly one win each?

    python -m tests.chaos.signer_race [--conflicts 10000] [--store sqlite|postgres]

Both are processes of their own, asked over gRPC. A conflict is one step of a consensus about two values, or the
attestations of a committee's three validators in one epoch under two votes: of the same slot (one message, which is
kept) or of two slots (two messages, of which the slashing record admits one), or two blocks of a validator in one slot.
Each signer is asked for one side. Exit status 0: every conflict has exactly one winner, whatever both answered, and
every answer is on record. Plain keys over HTTP race in the signer's own tests, with a clock that can be set.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import grpc

from ssv_api.v1 import signer_pb2 as pb
from ssv_api.v1.signer_pb2_grpc import SignerStub
from ssv_protocol.types.ids import Epoch, Slot
from ssv_protocol.types.message_id import message_role
from ssv_protocol.types.messages import SignedSSVMessage, SSVMessage
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import MsgType, QbftMessageType, RunnerRole
from tests.chaos.databases import FROM_ENVIRONMENT, STORES, new_database
from tests.chaos.received import Received, contents
from tests.chaos.record_check import RecordCheck
from tests.chaos.signer_ground import Ground
from tests.chaos.signer_process import kill
from tests.chaos.signing_load import HEADS, VALUES, Committee, Draft

OPERATORS = 10
AT_ONCE = 400
Conflict = tuple[Draft, Draft]


@dataclass
class Outcome:
    """`winners` counts conflicts by how many different things were signed."""

    winners: Counter[int] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)
    shared: int = 0
    by_signer: list[int] = field(default_factory=lambda: [0, 0])
    violations: list[str] = field(default_factory=list)

    @property
    def conflicts(self) -> int:
        return sum(self.winners.values())


class Race:
    """One database, two signers."""

    def __init__(self, ground: Ground, conflicts: int) -> None:
        self.ground, self.conflicts = ground, conflicts
        self.received = Received(ground.world.network.chain)
        self.outcome = Outcome()

    @property
    def _tenth(self) -> int:
        return self.conflicts // 10

    async def run(self) -> None:
        """Ask both for the two sides of every conflict, many at once."""
        await self.ground.add_shares()
        signers = self.ground.signers()
        async with AsyncExitStack() as stack:
            channels = []
            for _ in range(2):
                process, port = await signers.start()
                stack.push_async_callback(kill, process)
                channels.append(await stack.enter_async_context(self.ground.channel(port)))
            for waves in (self._waves_of_steps(), self._waves_of_attestations(), self._waves_of_blocks()):
                for wave in waves:
                    for start in range(0, len(wave), AT_ONCE):
                        await self._ask(channels, wave[start : start + AT_ONCE])
        check = RecordCheck(self.ground.database, self.ground.shares)
        self.outcome.violations += self.received.violations
        self.outcome.violations += check.uncovered(self.received, [*self.received.steps, *self.received.batches])

    def _waves_of_steps(self) -> Iterator[list[Conflict]]:
        # eight of ten conflicts; round after round, because a round that fell has no winner
        left, at_round = self.conflicts - 2 * self._tenth, 0
        places = [(committee, slot) for slot in self.ground.load.slots for committee in self.ground.load.committees]
        while left > 0:
            at_round += 1
            some = places[:left]
            left -= len(some)
            yield [self._step(slot, committee, at_round) for committee, slot in some]

    def _step(self, slot: Slot, committee: Committee, at_round: int) -> Conflict:
        prepare, world = QbftMessageType.PREPARE, self.ground.world
        one, other = (world.qbft(prepare, slot, value, at_round, committee) for value in VALUES)
        return one, other

    def _waves_of_attestations(self) -> Iterator[list[Conflict]]:
        # epoch after epoch: a target that fell has no winner
        load, chain = self.ground.load, self.ground.world.network.chain
        left = self._tenth
        first, last = chain.epoch_of(load.slots[0]), chain.epoch_of(load.slots[-1])
        for epoch in range(first, last):
            some = load.committees[:left]
            left -= len(some)
            slot = chain.first_slot(Epoch(epoch))
            others = (slot, Slot(slot + 1))
            yield [
                (load.attestations(each, slot, HEADS[0]), load.attestations(each, others[number % 2], HEADS[1]))
                for number, each in enumerate(some)
            ]
        if left:
            raise ValueError(f"{left} conflicts more than there are epochs")

    def _waves_of_blocks(self) -> Iterator[list[Conflict]]:
        # slot after slot: one that fell has no winner
        load, left = self.ground.load, self._tenth
        proposers = [validator for held in load.validators.values() for validator in held]
        for slot in load.slots:
            some = proposers[:left]
            left -= len(some)
            yield [(load.block(each, slot, HEADS[0]), load.block(each, slot, HEADS[1])) for each in some]

    async def _ask(self, channels: Sequence[grpc.aio.Channel], conflicts: Sequence[Conflict]) -> None:
        sides: list[list[Draft]] = [[], []]
        for number, conflict in enumerate(conflicts):
            for side in range(2):  # each signer begins with what the other is asked for at the same time
                sides[side].append(conflict[(side + number) % 2])
        answers = await asyncio.gather(*(self._answers(*each) for each in zip(channels, sides, strict=True)))
        for both in zip(*answers, strict=True):
            self._take(both)

    async def _answers(self, channel: grpc.aio.Channel, drafts: Sequence[Draft]) -> list[pb.SignResponse]:
        leases = self.ground.leases
        requests = [leases.request(number, draft) for number, draft in enumerate(drafts)]
        found = {answer.request_id: answer async for answer in SignerStub(channel).Sign(iter(requests))}
        for number, draft in enumerate(drafts):
            leases.note(leases.committee_of(draft), found[number])
        return [found[number] for number in range(len(drafts))]

    def _take(self, both: Sequence[pb.SignResponse]) -> None:
        signed: dict[bytes, list[int]] = defaultdict(list)
        kind = "none"
        for signer, answer in enumerate(both):
            self.outcome.verdicts[str(answer.WhichOneof("verdict"))] += 1
            if answer.HasField("signed"):
                message = SignedSSVMessage.decode(answer.signed.message).ssv_message
                signed[_content(message)].append(signer)
                kind = _kind(message)
                self.received.add(answer.signed.message)
        self.outcome.kinds[kind] += 1
        self.outcome.winners[len(signed)] += 1
        for who in signed.values():
            if len(who) == 2:
                self.outcome.shared += 1
            else:
                self.outcome.by_signer[who[0]] += 1


def _content(message: SSVMessage) -> bytes:
    if message.msg_type == MsgType.CONSENSUS:
        return QbftMessage.decode(message.data).root
    return b"".join(item.signing_root for item in contents(message).messages)


def _kind(message: SSVMessage) -> str:
    if message.msg_type == MsgType.CONSENSUS:
        return "steps"
    return "blocks" if message_role(message.msg_id) == RunnerRole.PROPOSER else "attestations"


def race(conflicts: int, store: str, seed: int = 1) -> Outcome:
    """Run a race in a folder that goes away."""
    with tempfile.TemporaryDirectory(prefix="signer-race-") as folder, new_database(store, Path(folder)) as database:
        made = Race(Ground(Path(folder), database, OPERATORS, random.Random(seed)), conflicts)
        asyncio.run(made.run())
    return made.outcome


def good(outcome: Outcome, conflicts: int) -> bool:
    """Tell whether each conflict had exactly one winner."""
    return outcome.winners == {1: conflicts} and not outcome.verdicts["failed"] and not outcome.violations


def table(outcome: Outcome, took_s: float) -> str:
    """Return the result for humans."""
    rows = [
        ("conflicts", f"{outcome.conflicts} ({', '.join(f'{n} {kind}' for kind, n in outcome.kinds.items())})"),
        ("with exactly one winner", f"{outcome.winners[1]}"),
        ("with none, with two", f"{outcome.winners[0]}, {outcome.winners[2]}"),
        ("both were given the winner", f"{outcome.shared}"),
        ("only one was, the other denied", f"{outcome.by_signer[0]} + {outcome.by_signer[1]}"),
        ("answers", ", ".join(f"{n} {verdict}" for verdict, n in sorted(outcome.verdicts.items()))),
        ("violations", f"{len(outcome.violations)}"),
        ("took", f"{took_s:.0f} s"),
    ]
    lines = [f"{name:<34}{value}" for name, value in rows]
    return "\n".join([*lines, *(f"  {problem}" for problem in outcome.violations[:10])])


def main() -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(description="Two signers on one database, asked for what conflicts")
    parser.add_argument("--conflicts", type=int, default=10_000)
    parser.add_argument("--store", choices=STORES, default=FROM_ENVIRONMENT)
    arguments = parser.parse_args()
    begun = time.perf_counter()
    done = race(arguments.conflicts, arguments.store)
    print(arguments.store)
    print(table(done, time.perf_counter() - begun))
    passed = good(done, arguments.conflicts)
    print("passed" if passed else "FAILED")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
