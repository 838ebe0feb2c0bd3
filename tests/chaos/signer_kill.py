"""kill -9 of a signer under load, again and again, on one database: is every signature that got out on record?

    python -m tests.chaos.signer_kill [--kills 200] [--store sqlite|postgres] [--sabotage]

After each kill the record that it left is compared with what was received; at the end all of it, once by reading the
database and once by asking for the opposite of everything that was signed. Exit status 0: at least 80 % of the kills
met requests in flight, at least 10,000 signatures were received (50 a kill when there are fewer than 200), and there
is no violation. With --sabotage the signer is a build that records after signing; 0 means that it was found out, after
at most so many kills.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import grpc

from ssv_api.v1 import signer_pb2 as pb
from ssv_api.v1.signer_pb2_grpc import SignerStub
from ssv_protocol.crypto import bls, rsa
from ssv_protocol.signing.verdict import DenialReason
from ssv_protocol.types.ids import Slot
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import QbftMessageType
from tests.chaos.databases import FROM_ENVIRONMENT, STORES, new_database
from tests.chaos.received import Received, contents
from tests.chaos.record_check import RecordCheck
from tests.chaos.signer_ground import Ground
from tests.chaos.signer_process import kill
from tests.chaos.signing_load import HEADS, VALUES, Draft

STREAMS, WINDOW = 4, 8
LIFE_S = (0.15, 0.6)
SAMPLE = 500


@dataclass
class Report:
    """What happened."""

    kills: int = 0
    in_flight: int = 0
    violations: list[str] = field(default_factory=list)
    starts_s: list[float] = field(default_factory=list)
    denied: int = 0
    failed: int = 0
    asked_again: int = 0
    verified: int = 0


class Trial:
    """One database, many signers."""

    def __init__(self, ground: Ground, kills: int, sabotage: bool, rng: random.Random) -> None:
        self.kills, self.sabotage, self.rng = kills, sabotage, rng
        self.ground, self.world, self.load = ground, ground.world, ground.load
        self.received = Received(self.world.network.chain)
        self.report = Report()
        self.signers = ground.signers(sabotage=sabotage)
        self.check = RecordCheck(ground.database, ground.shares)

    async def run(self, progress: Callable[[str], None]) -> None:
        """Add the shares, then kill, kill, kill, and ask for the opposite of everything."""
        await self.ground.add_shares()
        await self.signers.prepare()
        try:
            for number in range(1, self.kills + 1):
                await self._life()
                if self.sabotage and self.report.violations:
                    break
                if number % 25 == 0:
                    progress(f"{number} kills, {self.received.signatures} signatures")
            await self._opposite()
        finally:
            await self.signers.stop()
        self._everything()

    async def _life(self) -> None:
        begun = time.perf_counter()
        process, port = await self.signers.start()
        self.report.starts_s.append(time.perf_counter() - begun)
        preparing = asyncio.create_task(self.signers.prepare())
        outstanding: dict[tuple[int, int], Draft] = {}
        async with AsyncExitStack() as stack:
            streams = []
            for number in range(STREAMS):
                channel = await stack.enter_async_context(self.ground.channel(port))
                streams.append(asyncio.create_task(self._stream(channel, number, outstanding)))
            await asyncio.sleep(self.rng.uniform(*LIFE_S))
            self.report.in_flight += bool(outstanding)
            await kill(process)
            await asyncio.gather(*streams)
        self.report.kills += 1
        fresh, self.received.fresh = self.received.fresh, []
        self.report.violations += self.check.uncovered(self.received, dict.fromkeys(fresh))
        await preparing

    async def _stream(self, channel: grpc.aio.Channel, stream: int, outstanding: dict[tuple[int, int], Draft]) -> None:
        call = SignerStub(channel).Sign()
        free = asyncio.Semaphore(WINDOW)

        async def send() -> None:
            number = 0
            with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
                while True:
                    await free.acquire()
                    number += 1
                    draft = outstanding[stream, number] = self.load.draft()
                    await call.write(self.ground.leases.request(number, draft))

        sending = asyncio.create_task(send())
        try:
            # what had left the signer before it died is still read
            async for answer in call:
                self._take(answer, outstanding.pop((stream, answer.request_id)))
                free.release()
        except grpc.aio.AioRpcError:
            pass
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    def _take(self, answer: pb.SignResponse, draft: Draft) -> None:
        self.ground.leases.note(self.ground.leases.committee_of(draft), answer)
        if answer.denied.reason == DenialReason.RECORD_BEHIND:
            self.report.violations.append("the record is behind an answer that got out")
        if answer.HasField("signed"):
            self.received.add(answer.signed.message)
        elif answer.HasField("failed"):
            self.report.failed += 1
        else:
            self.report.denied += 1

    async def _opposite(self) -> None:
        process, port = await self.signers.start()
        drafts: list[Draft] = [*self._opposite_steps(), *self._opposite_attestations()]
        try:
            async with self.ground.channel(port) as channel:
                requests = (self.ground.leases.request(number, draft) for number, draft in enumerate(drafts))
                async for answer in SignerStub(channel).Sign(requests):
                    self.report.asked_again += 1
                    self._take(
                        answer, drafts[answer.request_id]
                    )  # a recorded message is the same one again, anything else a violation
        finally:
            await kill(process)
        if self.report.asked_again != len(drafts):
            self.report.violations.append("a request was left without an answer")

    def _opposite_steps(self) -> list[pb.QbftDraft]:
        committees = {bytes(self.world.message_id(self.load.slots[0], each)): each for each in self.load.committees}
        drafts = []
        for (message_id, height, _, at_round), message in self.received.steps.items():
            root = QbftMessage.decode(message.data).root
            value = next(value for value in VALUES if sha256(value).digest() != root)
            kinds = (QbftMessageType.PROPOSAL, QbftMessageType.PREPARE, QbftMessageType.COMMIT)
            kind = self.rng.choice(kinds)
            drafts.append(self.world.qbft(kind, Slot(height), value, at_round, committees[message_id]))
        return drafts

    def _opposite_attestations(self) -> list[pb.PostConsensusDraft]:
        committees = {bytes(self.world.message_id(self.load.slots[0], each)): each for each in self.load.committees}
        chain = self.world.network.chain
        drafts = []
        for message_id, slot in self.received.batches:
            first = chain.first_slot(chain.epoch_of(Slot(slot)))
            for other in range(first, first + chain.slots_per_epoch):
                drafts += [self.load.attestations(committees[message_id], Slot(other), head) for head in HEADS]
        return drafts

    def _everything(self) -> None:
        received, pem = self.received, self.world.own_key.public_pem()
        self.report.violations += self.check.uncovered(received, [*received.steps, *received.batches])
        self.report.violations += received.violations
        for message, signature in received.envelopes.items():
            if not rsa.verify(pem, message, signature):
                self.report.violations.append("an envelope's signature does not verify")
        partials = list(received.partial_signatures())
        for index, root, share_signature in self.rng.sample(partials, min(SAMPLE, len(partials))):
            self.report.verified += 1
            if not bls.verify(self.ground.shares[index], root, share_signature):
                self.report.violations.append("a share signature does not verify")


def table(trial: Trial, took_s: float) -> str:
    """Return the result for humans."""
    report, received = trial.report, trial.received
    starts = sorted(report.starts_s)
    partials = sum(len(contents(message).messages) for message in received.batches.values())
    rows = [
        ("kills", f"{report.kills}"),
        ("with requests in flight", f"{report.in_flight / max(report.kills, 1):.0%}"),
        ("signatures received", f"{received.signatures} ({partials} of them BLS)"),
        ("answers: signed, denied, failed", f"{received.answers}, {report.denied}, {report.failed}"),
        ("opposites asked for", f"{report.asked_again}"),
        ("signatures verified", f"{len(received.envelopes)} RSA, {report.verified} BLS"),
        ("from go to serving, median", f"{starts[len(starts) // 2] * 1000:.0f} ms"),
        ("violations", f"{len(report.violations)} ({len(received.violations)} of them contradictions)"),
        ("took", f"{took_s:.0f} s"),
    ]
    lines = [f"{name:<34}{value}" for name, value in rows]
    return "\n".join([*lines, *(f"  {problem}" for problem in report.violations[:10])])


def good(trial: Trial) -> bool:
    """Tell whether the trial shows what it should."""
    report, kills = trial.report, trial.report.kills
    enough = trial.received.signatures >= 50 * min(kills, 200) and report.in_flight >= 0.8 * kills
    return enough and kills == trial.kills and not report.violations


def trial(
    kills: int, sabotage: bool, seed: int, store: str = "sqlite", progress: Callable[[str], None] = lambda _: None
) -> Trial:
    """Run a trial in a folder that goes away."""
    rng = random.Random(seed)
    with (
        tempfile.TemporaryDirectory(prefix="signer-kill-") as folder,
        new_database(store, Path(folder)) as database,
    ):
        made = Trial(Ground(Path(folder), database, 9 if kills > 50 else 6, rng), kills, sabotage, rng)
        asyncio.run(made.run(progress))
    return made


def main() -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(description="kill -9 of a signer under load")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--sabotage", action="store_true", help="use a build that records after signing")
    parser.add_argument("--store", choices=STORES, default=FROM_ENVIRONMENT)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    arguments = parser.parse_args()
    print(f"{arguments.store}, seed {arguments.seed}")
    begun = time.perf_counter()
    done = trial(arguments.kills, arguments.sabotage, arguments.seed, arguments.store, print)
    print(table(done, time.perf_counter() - begun))
    if arguments.sabotage:
        found = bool(done.report.violations)
        print("the sabotaged build was found out" if found else "FAILED: the sabotaged build was not found out")
        return 0 if found else 1
    print("passed" if good(done) else "FAILED")
    return 0 if good(done) else 1


if __name__ == "__main__":
    sys.exit(main())
