"""Duties of a real beacon node whose validators work, read back from the bus and compared with the node's own answers:
across an epoch's start and the start of a sync committee period."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.support.listener import until
from tests.support.nats import running_nats
from tests.support.scheduler import SchedulerWorld, record

from ssv_api.v1 import duties_pb2 as pb
from ssv_devnet.background_validators.process import running_background_validators
from ssv_devnet.beacon_node import BeaconNodeSettings, running_beacon_node
from ssv_devnet.interop import interop_secret_key
from ssv_ethereum.beacon.duties import AttesterDuties, ProposerDuties, SyncDuty
from ssv_ethereum.beacon.node import BeaconNode
from ssv_ethereum.slot_clock import SlotClock
from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.forks import Network
from ssv_protocol.networks import local_network
from ssv_protocol.types.committee import committee_id
from ssv_protocol.types.duty import MAX_SYNC_COMMITTEE_INDICES, ValidatorDuty
from ssv_protocol.types.ids import Epoch, ExecutionAddress, OperatorId, ValidatorIndex
from ssv_protocol.types.roles import BeaconRole

VALIDATORS, SSV, OWN = 256, range(32), range(24)
"""Our committee runs the first 24, others run 8 more."""
OURS, THEIRS = (1, 2, 3, 4), (5, 6, 7, 8)
SLOT_S, GENESIS_DELAY_S, SYNC_PERIOD_EPOCHS = 2, 14, 1
EPOCHS = tuple(Epoch(number) for number in range(4))
LONGEST_S = 200


@dataclass
class Said:
    """What the node says of an epoch, asked by the test."""

    attester: AttesterDuties
    sync: tuple[SyncDuty, ...]
    proposer: ProposerDuties


@dataclass
class Run:
    chain: BeaconChain
    committees: dict[Epoch, pb.CommitteeDuties]
    networks: dict[Epoch, pb.NetworkDuties]
    known: dict[Epoch, dict[bytes, int]]
    said: dict[Epoch, Said]
    written_ahead: dict[Epoch, bool]
    heads: list[pb.Head]
    problems: dict[str, str]


def hangs_on(root: bytes) -> Callable[[pb.CommitteeDuties], bool]:
    return lambda value: value.dependent_root == root


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    async def bounded() -> Run:
        async with asyncio.timeout(LONGEST_S):
            return await _run(tmp_path_factory.mktemp("devnet"))

    return asyncio.run(bounded())


async def _run(folder: Path) -> Run:
    genesis_s = int(time.time()) + GENESIS_DELAY_S
    settings = BeaconNodeSettings(genesis_s, SLOT_S, VALIDATORS, sync_period_epochs=SYNC_PERIOD_EPOCHS)
    with running_nats(folder / "nats") as nats:
        async with (
            running_beacon_node(settings, folder / "beacon.log") as running,
            running_background_validators(running.url, VALIDATORS, folder / "background.log"),
            BeaconNode(running.url) as node,
        ):
            chain = await node.chain.describe()
            world = SchedulerWorld(folder, Network(local_network(ExecutionAddress(bytes(20)), SLOT_S), chain), nats)
            keys = [interop_secret_key(ValidatorIndex(index)).public_key() for index in SSV]
            world.register(*(record(key, OURS if index in OWN else THEIRS) for index, key in enumerate(keys)))
            world.hold(*(keys[index] for index in OWN))
            async with (
                world.serving_signer(),
                world.serving_registry(),
                world.reading() as reader,
                world.scheduling(running.url) as service,
            ):
                queue = await reader.heads()
                key = committee_id(map(OperatorId, OURS)).hex()
                found = Run(chain, {}, {}, {}, {}, {}, [], {})
                clock = SlotClock(chain)
                assert clock.now() < genesis_s, "the machine is too slow for this test: raise GENESIS_DELAY_S"
                await until(lambda: service.health.dependency("duties").is_up and not service.health.problems())
                for epoch in EPOCHS:
                    ahead = Epoch(epoch + 1)
                    await clock.wait_for_slot(chain.first_slot(epoch), 1.5 * chain.slot_duration_s)
                    await until(lambda: service.health.dependency("duties").is_up and not service.health.problems())
                    said = Said(
                        await node.duties.attester(epoch, map(ValidatorIndex, OWN)),
                        await node.duties.sync(epoch, map(ValidatorIndex, SSV)),
                        await node.duties.proposer(epoch),
                    )
                    root = said.attester.dependent_root
                    found.said[epoch] = said
                    found.committees[epoch] = await reader.committee(f"{epoch}.{key}", hangs_on(root))
                    found.networks[epoch] = await reader.network(f"{epoch}.network")
                    found.known[epoch] = await reader.known(epoch)
                    found.written_ahead[ahead] = bool(await reader.revision(f"{ahead}.{key}"))
                found.problems = service.health.problems()
                while not queue.empty():
                    found.heads.append(queue.get_nowait())
        return found


@pytest.mark.parametrize("epoch", EPOCHS)
def test_the_committees_duties_are_the_nodes(run: Run, epoch: Epoch) -> None:
    value, said = run.committees[epoch], run.said[epoch]
    assert value.dependent_root == said.attester.dependent_root
    assert [own.index for own in value.validators] == list(OWN)
    duties = [ValidatorDuty.decode(duty) for duty in value.attester]
    assert {
        (duty.slot, duty.validator_index, duty.committee_index, duty.committee_length, duty.validator_committee_index)
        for duty in duties
    } == {
        (duty.slot, duty.validator_index, duty.committee_index, duty.committee_length, duty.position)
        for duty in said.attester.duties
    }
    assert len(duties) == len(OWN)
    assert {run.chain.epoch_of(duty.slot) for duty in duties} == {epoch}
    seats = [ValidatorDuty.decode(duty) for duty in value.sync_committee]
    assert {(seat.validator_index, seat.validator_sync_committee_indices) for seat in seats} == {
        (seat.validator_index, seat.positions[:MAX_SYNC_COMMITTEE_INDICES])
        for seat in said.sync
        if seat.validator_index in OWN
    }
    assert seats
    assert {seat.type for seat in seats} == {BeaconRole.SYNC_COMMITTEE}


@pytest.mark.parametrize("epoch", EPOCHS)
def test_the_networks_duties_are_the_nodes(run: Run, epoch: Epoch) -> None:
    value, said = run.networks[epoch], run.said[epoch]
    assert [(duty.slot, duty.validator_index) for duty in value.proposers] == [
        (duty.slot, duty.validator_index) for duty in said.proposer.duties if duty.validator_index in SSV
    ]
    assert set(value.sync_committee_validators) == {seat.validator_index for seat in said.sync}
    assert sorted(run.known[epoch].values()) == list(SSV)


def test_the_sync_committee_changes_with_its_period(run: Run) -> None:
    # an epoch is a period here; the first three are drawn from the randomness of genesis
    *first, last = (list(run.committees[epoch].sync_committee) for epoch in EPOCHS)
    assert first == [first[0]] * 3
    assert last != first[0]


def test_duties_are_written_an_epoch_ahead(run: Run) -> None:
    assert run.written_ahead == {Epoch(epoch + 1): True for epoch in EPOCHS}


def test_heads_come_by_the_bus(run: Run) -> None:
    slots = [head.slot for head in run.heads]
    assert slots == sorted(slots)
    assert len(slots) >= run.chain.slots_per_epoch
    assert all(len(head.block_root) == 32 for head in run.heads)


def test_the_scheduler_had_no_trouble(run: Run) -> None:
    assert run.problems == {}
