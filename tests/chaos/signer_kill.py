"""kill -9 of a signer under load, again and again, on one database: is every signature that got out on record?

    python -m tests.chaos.signer_kill [--kills 200] [--sabotage]

After each kill the record that it left is compared with what was received; at the end all of it, once by reading the
database and once by asking for the opposite of everything that was signed. Exit status 0: at least 80 % of the kills
met requests in flight, at least 10,000 signatures were received (50 a kill when there are fewer than 200), and there
is no violation. With --sabotage the signer is a build that records after signing, and 0 means that it was found out.
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
from ssv_protocol.signing import window
from ssv_protocol.types.ids import Instant, Slot
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import QbftMessageType
from ssv_runtime.logs import make_logger
from ssv_runtime.network_file import write_network_file
from ssv_runtime.rpc.limits import client_options
from ssv_runtime.service import Service
from ssv_signer.service import serving
from ssv_signer.settings import SignerSettings
from tests.chaos.received import Received, contents
from tests.chaos.record_check import RecordCheck
from tests.chaos.signer_process import Signers, kill
from tests.chaos.signing_load import HEADS, VALUES, Load
from tests.support.service_certificates import tls_settings, write_certificates
from tests.support.signing_world import SigningWorld, local_chain

STREAMS, WINDOW = 4, 8
LIFE_S = (0.15, 0.6)
SLOT_S, SLOTS_PER_EPOCH = 60.0, 2
"""Slots so long that none leaves the signer's window while the test runs, epochs so short that many fit into it."""
SAMPLE = 500
Draft = pb.QbftDraft | pb.PostConsensusDraft


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

    def __init__(self, folder: Path, kills: int, sabotage: bool, seed: int) -> None:
        self.folder, self.kills = folder, kills
        self.rng = random.Random(seed)
        genesis = int(time.time() - 100 * SLOT_S - SLOT_S / 2)
        self.world = SigningWorld(local_chain(SLOTS_PER_EPOCH, SLOT_S, genesis), range(1, 10 if kills > 50 else 7))
        self.load = Load(self.world, 3, self.rng)
        self.received = Received(self.world.network.chain)
        self.report = Report()
        certificates = write_certificates(folder / "certs", ("signer", "consensus", "eth1-listener"))
        write_network_file(folder / "network.json", self.world.network)
        (folder / "operator.pem").write_bytes(self.world.own_key.to_pem())
        self.settings = SignerSettings.model_validate(
            {
                "network_file": folder / "network.json",
                "operator_key_file": folder / "operator.pem",
                "data_dir": folder / "data",
                "log_level": "error",
                **tls_settings(certificates, "signer"),
            }
        )
        self.certificates = certificates
        given = self.settings.model_dump(exclude_unset=True)
        arguments = [part for key, value in given.items() for part in (f"--{key.replace('_', '-')}", str(value))]
        self.signers = Signers(folder, arguments, sabotage)
        every = [validator for held in self.load.validators.values() for validator in held]
        self.shares = {validator.index: validator.share_pubkey for validator in every}
        self.check = RecordCheck(folder / "data", folder / "copy", self.shares)

    async def run(self, progress: Callable[[str], None]) -> None:
        """Add the shares, then kill, kill, kill, and ask for the opposite of everything."""
        await self._add_shares()
        await self.signers.prepare()
        try:
            for number in range(1, self.kills + 1):
                await self._life()
                if number % 25 == 0:
                    progress(f"{number} kills, {self.received.signatures} signatures")
            await self._opposite()
        finally:
            await self.signers.stop()
        self._everything()

    async def _add_shares(self) -> None:
        # in a signer whose clock stands at the oldest slot of the window, so that many epochs may be signed now
        chain = self.world.network.chain
        clock = chain.slot_at(Instant(time.time()))
        oldest = Slot(window.oldest(clock) + 1)
        first = chain.first_slot(chain.epoch_of(Slot(oldest + 2 * SLOTS_PER_EPOCH)))
        self.load.span(first, window.latest(chain, clock))
        every = [validator for held in self.load.validators.values() for validator in held]
        async with (
            Service("signer", log=make_logger("signer", "error")) as service,
            serving(self.settings, service, lambda: chain.slot_start(oldest)) as port,
            self._channel(port, "eth1-listener") as channel,
        ):
            stub = SignerStub(channel)
            for validator in every:
                await stub.AddShare(validator.add)
            service.stopping.set()

    def _channel(self, port: int, caller: str = "consensus") -> grpc.aio.Channel:
        files = tls_settings(self.certificates, caller)
        ca, certificate, key = (files[name].read_bytes() for name in ("tls_ca", "tls_cert", "tls_key"))
        credentials = grpc.ssl_channel_credentials(ca, key, certificate)
        return grpc.aio.secure_channel(f"127.0.0.1:{port}", credentials, client_options("signer"))

    async def _life(self) -> None:
        begun = time.perf_counter()
        process, port = await self.signers.start()
        self.report.starts_s.append(time.perf_counter() - begun)
        preparing = asyncio.create_task(self.signers.prepare())
        outstanding: dict[tuple[int, int], Draft] = {}
        async with AsyncExitStack() as stack:
            streams = []
            for number in range(STREAMS):
                channel = await stack.enter_async_context(self._channel(port))
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
                    await call.write(_request(number, draft))

        sending = asyncio.create_task(send())
        try:
            # what had left the signer before it died is still read
            async for answer in call:
                self._take(answer)
                outstanding.pop((stream, answer.request_id))
                free.release()
        except grpc.aio.AioRpcError:
            pass
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    def _take(self, answer: pb.SignResponse) -> None:
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
            async with self._channel(port) as channel:
                requests = (_request(number, draft) for number, draft in enumerate(drafts))
                async for answer in SignerStub(channel).Sign(requests):
                    self.report.asked_again += 1
                    self._take(answer)  # a recorded message is the same one again, anything else a violation
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
            if not bls.verify(self.shares[index], root, share_signature):
                self.report.violations.append("a share signature does not verify")


def _request(number: int, draft: Draft) -> pb.SignRequest:
    if isinstance(draft, pb.QbftDraft):
        return pb.SignRequest(request_id=number, qbft=draft)
    return pb.SignRequest(request_id=number, post_consensus=draft)


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


def trial(kills: int, sabotage: bool, seed: int, progress: Callable[[str], None] = lambda _: None) -> Trial:
    """Run a trial in a folder that goes away."""
    with tempfile.TemporaryDirectory(prefix="signer-kill-") as folder:
        made = Trial(Path(folder), kills, sabotage, seed)
        asyncio.run(made.run(progress))
    return made


def main() -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(description="kill -9 of a signer under load")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--sabotage", action="store_true", help="use a build that records after signing")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}")
    begun = time.perf_counter()
    done = trial(arguments.kills, arguments.sabotage, arguments.seed, print)
    print(table(done, time.perf_counter() - begun))
    if arguments.sabotage:
        found = bool(done.report.violations)
        print("the sabotaged build was found out" if found else "FAILED: the sabotaged build was not found out")
        return 0 if found else 1
    print("passed" if good(done) else "FAILED")
    return 0 if good(done) else 1


if __name__ == "__main__":
    sys.exit(main())
