"""The whole service in this process, a beacon node that can be made to fail, and six validators: a scene to play in."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from ssv_api.v1 import duties_pb2 as pb
from ssv_protocol.beacon_chain import BeaconChain, BeaconFork, ScheduledFork
from ssv_protocol.forks import Network
from ssv_protocol.networks import local_network
from ssv_protocol.types.committee import committee_id
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import (
    BlsPublicKey,
    Epoch,
    ExecutionAddress,
    ForkVersion,
    OperatorId,
    Root,
)
from ssv_protocol.types.roles import BeaconRole
from ssv_runtime.service import Service
from tests.support.fake_beacon import FakeBeacon, served_beacon
from tests.support.listener import until
from tests.support.nats import running_nats
from tests.support.scheduler import Reader, SchedulerWorld, record

SLOT_S, SLOTS_PER_EPOCH, NOW = 0.1, 100_000, 5
FORKS = (ScheduledFork(BeaconFork.PHASE0, ForkVersion(bytes(4)), Epoch(0)),)
PROPOSER, REGISTRATION, EXIT = BeaconRole.PROPOSER, BeaconRole.VALIDATOR_REGISTRATION, BeaconRole.VOLUNTARY_EXIT
OURS, ALSO_OURS, THEIRS = (1, 2, 3, 4), (1, 5, 6, 7), (5, 6, 7, 8)


def key(number: int) -> BlsPublicKey:
    return BlsPublicKey(bytes([number]) * 48)


def of(epoch: int, operators: tuple[int, ...]) -> str:
    return f"{epoch}.{committee_id(OperatorId(number) for number in operators).hex()}"


@dataclass
class Scene:
    """All that a test plays with."""

    world: SchedulerWorld
    beacon: FakeBeacon
    reader: Reader

    def fits(self, epoch: int) -> Callable[[pb.CommitteeDuties], bool]:
        """Whether a value is what the beacon node says of the epoch now."""
        return lambda value: (
            value.dependent_root == self.beacon.root(epoch)
            and attests(value) == {own.index: self.beacon.attester_slot(epoch, own.index) for own in value.validators}
        )

    async def revisions(self) -> dict[str, int]:
        keys = [f"{epoch}.network" for epoch in (NOW, NOW + 1)]
        keys += [of(epoch, operators) for epoch in (NOW, NOW + 1) for operators in (OURS, ALSO_OURS)]
        return {each: await self.reader.revision(each) for each in keys}


def attests(value: pb.CommitteeDuties) -> dict[int, int]:
    duties = [ValidatorDuty.decode(duty) for duty in value.attester]
    return {duty.validator_index: duty.slot for duty in duties}


def proposals(value: pb.NetworkDuties) -> list[tuple[int, int]]:
    return [(duty.slot, duty.validator_index) for duty in value.proposers]


def alone(value: pb.CommitteeDuties) -> list[tuple[int, int, int]]:
    """Slot, type and index of the duties that validators have alone."""
    duties = [ValidatorDuty.decode(duty) for duty in value.validator_duties]
    return [(duty.slot, duty.type, duty.validator_index) for duty in duties]


def play(
    folder: Path,
    scenario: Callable[[Scene], Awaitable[None]],
    now: int = NOW,
    *,
    slot_s: float = SLOT_S,
    slots_per_epoch: int = SLOTS_PER_EPOCH,
) -> None:
    """Validators 1 to 3 are ours, 4 too in another committee, 5 is liquidated, 6 is others'; our shares are held."""

    async def run_it() -> None:
        genesis_s = int(time.time() - now * slots_per_epoch * slot_s)
        chain = BeaconChain(genesis_s, Root(bytes(32)), slot_s, slots_per_epoch, 4, 32, FORKS)
        network = Network(local_network(ExecutionAddress(b"\x0c" * 20), slot_s), chain)
        indices = {key(number): number * 10 for number in range(1, 7)}
        beacon = FakeBeacon(indices, chain, sync_seats={20: [3, 4], 60: [9]})
        with running_nats(folder / "nats") as nats:
            world = SchedulerWorld(folder, network, nats)
            world.register(
                *(record(key(number), OURS) for number in (1, 2, 3)),
                record(key(4), ALSO_OURS),
                record(key(5), OURS, liquidated=True),
                record(key(6), THEIRS),
            )
            world.hold(*(key(number) for number in (1, 2, 3, 4, 5)))
            async with (
                served_beacon(beacon),
                world.serving_signer(),
                world.serving_registry(),
                world.reading() as reader,
            ):
                await scenario(Scene(world, beacon, reader))

    asyncio.run(run_it())


async def is_ready(service: Service) -> None:
    await until(lambda: service.health.dependency("duties").is_up and not service.health.problems())
