"""The whole service in this process on real gRPC, a real NATS with its permissions, and a beacon node that can be made
to fail. Slots are short so that ticks come; an epoch is so long that none ends in a test."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.support.fake_beacon import HANG, FakeBeacon, served_beacon
from tests.support.listener import until
from tests.support.nats import running_nats
from tests.support.scheduler import OWNER, Reader, SchedulerWorld, record

from ssv_api.v1 import duties_pb2 as pb
from ssv_protocol.beacon_chain import BeaconChain, BeaconFork, ScheduledFork
from ssv_protocol.forks import Network
from ssv_protocol.networks import local_network
from ssv_protocol.registry.state import ChainMoment, Recipient
from ssv_protocol.types.committee import committee_id
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import (
    BlsPublicKey,
    Epoch,
    ExecutionAddress,
    ForkVersion,
    Instant,
    OperatorId,
    Root,
    Slot,
    ValidatorIndex,
)
from ssv_protocol.types.roles import BeaconRole
from ssv_runtime.service import Service

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


def play(folder: Path, scenario: Callable[[Scene], Awaitable[None]], now: int = NOW) -> None:
    """Validators 1 to 3 are ours, 4 too in another committee, 5 is liquidated, 6 is others'; our shares are held."""

    async def run_it() -> None:
        genesis_s = int(time.time() - now * SLOTS_PER_EPOCH * SLOT_S)
        chain = BeaconChain(genesis_s, Root(bytes(32)), SLOT_S, SLOTS_PER_EPOCH, 4, 32, FORKS)
        network = Network(local_network(ExecutionAddress(b"\x0c" * 20), SLOT_S), chain)
        indices = {key(number): number * 10 for number in range(1, 7)}
        beacon = FakeBeacon(indices, SLOTS_PER_EPOCH, sync_seats={20: [3, 4], 60: [9]})
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


def test_both_epochs_duties_are_what_the_beacon_node_says(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        async with scene.world.scheduling(scene.beacon.url) as service:
            await is_ready(service)
            for epoch in (NOW, NOW + 1):
                ours = await scene.reader.committee(of(epoch, OURS))
                assert [(own.index, own.public_key, own.may_sign_from_epoch) for own in ours.validators] == [
                    (10, key(1), 7),
                    (20, key(2), 7),
                    (30, key(3), 7),
                ]
                assert scene.fits(epoch)(ours)
                (sync,) = [ValidatorDuty.decode(duty) for duty in ours.sync_committee]
                assert (sync.validator_index, sync.validator_sync_committee_indices) == (20, (3, 4))
                also = await scene.reader.committee(of(epoch, ALSO_OURS))
                assert list(attests(also)) == [40]
                network = await scene.reader.network(f"{epoch}.network")
                assert [(duty.slot, duty.validator_index) for duty in network.proposers] == scene.beacon.proposals(
                    epoch
                )
                assert list(network.sync_committee_validators) == [20, 60]
                assert {each.public_key: each.index for each in network.validators} == scene.beacon.indices
            assert await scene.reader.revision(of(NOW, THEIRS)) == 0

            def subscribed() -> set[tuple[int, int]]:
                return {(int(each["validator_index"]), int(each["slot"])) for each in scene.beacon.subscriptions}

            expected = {
                (index, scene.beacon.attester_slot(epoch, index))
                for epoch in (NOW, NOW + 1)
                for index in (10, 20, 30, 40)
            }
            await until(lambda: subscribed() == expected)

    play(tmp_path, scenario)


def test_nothing_is_asked_or_written_again_while_nothing_changes(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        heads = await scene.reader.heads()
        async with scene.world.scheduling(scene.beacon.url) as service:
            await is_ready(service)
            await until(lambda: bool(scene.beacon.listeners))
            before, asked = await scene.revisions(), scene.beacon.requests.copy()
            assert all(before.values())
            for offset in range(20):  # each of these and each tick is an occasion
                scene.beacon.head(NOW * SLOTS_PER_EPOCH + offset, bytes([offset]) * 32)
                await heads.get()
            assert await scene.revisions() == before
            assert scene.beacon.requests == asked
            async with scene.world.scheduling(scene.beacon.url) as replica:
                await is_ready(replica)
                assert await scene.revisions() == before

    play(tmp_path, scenario)


def test_heads_go_to_the_bus(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        heads = await scene.reader.heads()
        began_ms = time.time() * 1000
        async with scene.world.scheduling(scene.beacon.url) as service:
            await is_ready(service)
            await until(lambda: bool(scene.beacon.listeners))
            scene.beacon.head(NOW * SLOTS_PER_EPOCH + 3, b"\x77" * 32)
            head = await heads.get()
            assert (head.slot, head.block_root) == (NOW * SLOTS_PER_EPOCH + 3, b"\x77" * 32)
            assert began_ms <= head.seen_unix_ms <= time.time() * 1000

    play(tmp_path, scenario)


@pytest.mark.parametrize("moved", [NOW, NOW + 1])
def test_an_epoch_whose_dependent_root_moves_is_asked_for_and_written_again(tmp_path: Path, moved: int) -> None:
    other = 2 * NOW + 1 - moved

    async def scenario(scene: Scene) -> None:
        async with scene.world.scheduling(scene.beacon.url) as service:
            await is_ready(service)
            await until(lambda: bool(scene.beacon.listeners))
            before = await scene.revisions()
            scene.beacon.roots[moved] = b"\xee" * 32
            assert not scene.fits(moved)(await scene.reader.committee(of(moved, OURS)))
            scene.beacon.head(NOW * SLOTS_PER_EPOCH + 9, b"\x01" * 32)
            await scene.reader.committee(of(moved, OURS), scene.fits(moved))
            await scene.reader.network(
                f"{moved}.network",
                lambda value: (
                    [(each.slot, each.validator_index) for each in value.proposers] == scene.beacon.proposals(moved)
                ),
            )
            after = await scene.revisions()
            assert after[of(other, OURS)] == before[of(other, OURS)]
            assert after[f"{other}.network"] == before[f"{other}.network"]

    play(tmp_path, scenario)


def test_an_answer_that_was_doubted_on_its_way_is_not_kept(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        answer, held = scene.beacon.answer, asyncio.Event()

        async def slow_once(request: object) -> object:
            response = await answer(request)  # type: ignore[arg-type]
            if not held.is_set() and f"attester/{NOW}" in str(getattr(request, "path", "")):
                held.set()
                await until(lambda: bool(scene.beacon.listeners))
                scene.beacon.roots[NOW] = b"\xee" * 32
                scene.beacon.head(NOW * SLOTS_PER_EPOCH, b"\x01" * 32)
                scene.beacon.roots[NOW] = b"\xef" * 32
                scene.beacon.head(NOW * SLOTS_PER_EPOCH + 1, b"\x02" * 32)
                await until(lambda: moves() > 0)
            return response

        scene.beacon.answer = slow_once  # type: ignore[method-assign,assignment]
        async with served_beacon(scene.beacon) as beacon, scene.world.scheduling(beacon.url) as service:

            def moves() -> float:
                name = "ssv_duty_scheduler_moved_dependent_roots_total"
                return service.metrics.registry.get_sample_value(name) or 0.0

            await scene.reader.committee(of(NOW, OURS), scene.fits(NOW))
            assert held.is_set()

    play(tmp_path, scenario)


def test_a_part_that_fails_holds_up_only_what_needs_it(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        scene.beacon.trouble["duties/proposer"] = 500
        async with scene.world.scheduling(scene.beacon.url) as service:
            await scene.reader.committee(of(NOW + 1, ALSO_OURS), scene.fits(NOW + 1))
            await until(lambda: "HTTP 500" in service.health.problems().get("beacon", ""))
            assert await scene.reader.revision(f"{NOW}.network") == 0
            scene.beacon.trouble.clear()
            await scene.reader.network(f"{NOW + 1}.network")
            await is_ready(service)

    play(tmp_path, scenario)


def test_a_node_that_does_not_know_the_next_epochs_proposers_is_no_trouble(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        scene.beacon.trouble[f"duties/proposer/{NOW + 1}"] = 400
        async with scene.world.scheduling(scene.beacon.url) as service:
            await is_ready(service)
            await scene.reader.network(f"{NOW}.network")
            assert await scene.reader.revision(f"{NOW + 1}.network") == 0

    play(tmp_path, scenario)


def test_a_node_that_hangs_is_given_up_and_asked_again(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        scene.beacon.trouble["duties/attester"] = HANG
        async with scene.world.scheduling(scene.beacon.url, deadline_s=0.2) as service:
            await scene.reader.network(f"{NOW + 1}.network")  # this one answers
            await until(lambda: "no answer within 0.2 s" in service.health.problems().get("beacon", ""))
            assert "duties" in service.health.problems()
            scene.beacon.trouble.clear()
            await scene.reader.committee(of(NOW, OURS), scene.fits(NOW))
            await is_ready(service)

    play(tmp_path, scenario)


def test_what_is_known_stays_when_the_node_goes(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        async with scene.world.scheduling(scene.beacon.url) as service:
            await is_ready(service)
            scene.beacon.trouble["/"] = 503
            before = await scene.revisions()
            scene.world.register(record(key(1), OURS), record(key(4), ALSO_OURS), record(key(6), THEIRS))
            await until(lambda: "HTTP 503" in service.health.problems().get("beacon", ""))
            assert (await scene.revisions())[of(NOW, ALSO_OURS)] == before[of(NOW, ALSO_OURS)]
            value = await scene.reader.committee(of(NOW, OURS), lambda value: len(value.validators) == 1)
            assert list(attests(value)) == [10]

    play(tmp_path, scenario)


def test_validators_come_get_liquidated_and_leave(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        world, reader = scene.world, scene.reader

        def indices(*wanted: int) -> Callable[[pb.CommitteeDuties], bool]:
            return lambda value: [own.index for own in value.validators] == list(wanted)

        async with world.scheduling(scene.beacon.url) as service:
            await is_ready(service)
            scene.beacon.indices[key(7)] = 70
            world.register(*(record(key(number), OURS) for number in (1, 2, 3, 7)), record(key(4), ALSO_OURS))
            await reader.network(f"{NOW}.network", lambda value: 70 in [each.index for each in value.validators])
            assert indices(10, 20, 30)(await reader.committee(of(NOW, OURS)))  # the signer does not hold it yet
            world.hold(key(7))
            value = await reader.committee(of(NOW, OURS), indices(10, 20, 30, 70))
            assert scene.fits(NOW)(value)
            liquidated = [record(key(number), OURS, liquidated=True) for number in (1, 2, 3, 7)]
            world.register(*liquidated, record(key(4), ALSO_OURS))
            value = await reader.committee(of(NOW + 1, OURS), indices())
            assert attests(value) == {}
            world.register(*liquidated)  # the other committee is nobody's now
            await reader.committee(of(NOW, ALSO_OURS), indices())
            await reader.committee(of(NOW + 1, ALSO_OURS), indices())
            await is_ready(service)

    play(tmp_path, scenario)


def test_an_operator_without_validators_is_ready(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        scene.world.register()
        async with scene.world.scheduling(scene.beacon.url) as service:
            await is_ready(service)
            assert not (await scene.reader.network(f"{NOW}.network")).validators

    play(tmp_path, scenario)


def test_without_a_signer_the_network_value_is_written_and_the_committees_wait(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        world = scene.world
        port, world.signer_port = world.signer_port, 9  # the discard port: nothing listens there
        async with world.scheduling(scene.beacon.url) as service:
            await scene.reader.network(f"{NOW + 1}.network")
            await until(lambda: "UNAVAILABLE" in service.health.problems().get("shares", ""))
            assert await scene.reader.revision(of(NOW, OURS)) == 0
        world.signer_port = port
        async with world.scheduling(scene.beacon.url) as service:
            await scene.reader.committee(of(NOW, OURS), scene.fits(NOW))

    play(tmp_path, scenario)


def test_duties_of_single_validators_are_written_and_changed_in_mid_epoch(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        world, chain = scene.world, scene.world.network.chain
        async with world.scheduling(scene.beacon.url) as service:
            await is_ready(service)
            for epoch in (NOW, NOW + 1):
                proposals = [
                    (slot, PROPOSER, index) for slot, index in scene.beacon.proposals(epoch) if index in (10, 20, 30)
                ]
                assert proposals
                assert alone(await scene.reader.committee(of(epoch, OURS))) == proposals
            now = alone(await scene.reader.committee(of(NOW, OURS)))
            other = await scene.reader.revision(of(NOW, ALSO_OURS))

            asked_in = chain.first_slot(Epoch(NOW)) + 50_000
            asked = ChainMoment(9, math.ceil(chain.slot_start(Slot(asked_in))))
            leaving = replace(record(key(2), OURS), exit_request=asked)
            stay = [record(key(number), OURS) for number in (1, 3)]
            world.register(leaving, *stay, record(key(4), ALSO_OURS))
            due = chain.slot_at(Instant(asked.block_time_s)) + 4
            value = await scene.reader.committee(of(NOW, OURS), lambda value: (due, EXIT, 20) in alone(value))
            assert alone(value) == [*now, (due, EXIT, 20)]
            assert await scene.reader.revision(of(NOW, ALSO_OURS)) == other
            assert alone(await scene.reader.committee(of(NOW + 1, OURS))) == proposals

            named = Recipient(ExecutionAddress(b"\x77" * 20), 0, asked)
            world.register(leaving, *stay, record(key(4), ALSO_OURS), recipient=named)
            await scene.reader.committee(of(NOW, ALSO_OURS), lambda value: (due, REGISTRATION, 40) in alone(value))
            value = await scene.reader.committee(of(NOW, OURS), lambda value: len(alone(value)) > len(now) + 1)
            registered = [(due, REGISTRATION, index) for index in (10, 20, 30)]
            assert alone(value) == [*now, *registered, (due, EXIT, 20)]

    play(tmp_path, scenario)


def test_a_duty_that_is_known_only_when_its_epoch_is_over_is_added_to_that_epochs_value(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        world, chain, over = scene.world, scene.world.network.chain, Epoch(NOW - 1)
        held = pb.CommitteeDuties(epoch=over, committee_id=bytes.fromhex(of(over, OURS).partition(".")[2]))
        held.attester.append(
            ValidatorDuty(BeaconRole.ATTESTER, key(1), chain.first_slot(over), ValidatorIndex(10)).encode()
        )
        async with world.scheduling(scene.beacon.url) as service, world.reading("duty-scheduler") as writer:
            await is_ready(service)
            await writer.bucket.put(of(over, OURS), held.SerializeToString())
            asked = ChainMoment(9, math.ceil(chain.slot_start(Slot(chain.first_slot(Epoch(NOW)) - 50))))
            due = chain.slot_at(Instant(asked.block_time_s)) + 4
            leaving = [replace(record(key(2), OURS), exit_request=asked), record(key(1), OURS)]
            leaving.append(replace(record(key(4), ALSO_OURS), exit_request=asked))
            world.register(*leaving)
            value = await scene.reader.committee(of(over, OURS), lambda value: alone(value) == [(due, EXIT, 20)])
            assert value.attester == held.attester
            value = await scene.reader.committee(of(over, ALSO_OURS))
            assert alone(value) == [(due, EXIT, 40)]
            assert (due, EXIT, 20) not in alone(await scene.reader.committee(of(NOW, OURS)))

    play(tmp_path, scenario)


def test_registrations_come_by_index_unless_there_are_to_be_none(tmp_path: Path) -> None:
    now = 10  # ten epochs' slots begin anew here, so the first of them are those of small indices

    async def scenario(scene: Scene) -> None:
        first = now * SLOTS_PER_EPOCH
        expected = [(first + index, REGISTRATION, index) for index in (10, 20, 30)]
        async with scene.world.scheduling(scene.beacon.url) as service:
            await is_ready(service)
            made = alone(await scene.reader.committee(of(now, OURS)))
            assert [duty for duty in made if duty[1] == REGISTRATION] == expected
        async with scene.world.scheduling(scene.beacon.url, builder_registrations=False):
            value = await scene.reader.committee(of(now, OURS), lambda value: len(alone(value)) < len(made))
            assert alone(value) == [duty for duty in made if duty[1] != REGISTRATION]

    play(tmp_path, scenario, now)


def test_the_node_is_told_whom_to_pay_and_told_again_when_that_changes(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        world, told = scene.world, scene.beacon.preparations

        def payees(address: bytes) -> list[dict[str, str]]:
            return [
                {"validator_index": str(index), "fee_recipient": f"0x{address.hex()}"} for index in (10, 20, 30, 40)
            ]

        def in_order() -> list[dict[str, str]]:
            return sorted(told, key=lambda each: each["validator_index"])

        async with world.scheduling(scene.beacon.url) as service:
            await is_ready(service)
            await until(lambda: bool(scene.beacon.listeners))
            await until(lambda: len(told) >= 4)
            assert {each["fee_recipient"] for each in told} == {f"0x{OWNER.hex()}"}
            told.clear()
            records = [*(record(key(number), OURS) for number in (1, 2, 3)), record(key(4), ALSO_OURS)]
            named = Recipient(ExecutionAddress(b"\x77" * 20), 0, None)
            world.register(*records, recipient=named)
            await until(lambda: in_order() == payees(b"\x77" * 20))

    play(tmp_path, scenario)


def test_a_node_whose_event_stream_broke_is_told_everything_again(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        beacon = scene.beacon
        async with scene.world.scheduling(beacon.url) as service:
            await is_ready(service)
            await until(lambda: bool(beacon.listeners))
            told = (beacon.preparations, beacon.subscriptions, beacon.sync_subscriptions)
            await until(lambda: all(told))
            for notices in told:
                notices.clear()
            beacon.break_streams()
            await until(lambda: all(told))
            owner = "0x" + OWNER.hex()
            indices = {each["validator_index"] for each in beacon.preparations if each["fee_recipient"] == owner}
            assert indices == {"10", "20", "30", "40"}
            assert {each["validator_index"] for each in beacon.sync_subscriptions} == {"20"}
            assert all(each["is_aggregator"] for each in beacon.subscriptions)

    play(tmp_path, scenario)


def test_across_the_edge_of_a_sync_committee_period_the_next_committee_is_known_an_epoch_ahead(tmp_path: Path) -> None:
    last = 7  # of the second period: there are four epochs in one

    async def scenario(scene: Scene) -> None:
        scene.beacon.later_sync_seats[last + 1] = {30: [5], 60: [1]}
        async with scene.world.scheduling(scene.beacon.url) as service:
            await is_ready(service)
            for epoch, members, everybody in ((last, [20], [20, 60]), (last + 1, [30], [30, 60])):
                value = await scene.reader.committee(of(epoch, OURS))
                assert [ValidatorDuty.decode(duty).validator_index for duty in value.sync_committee] == members
                network = await scene.reader.network(f"{epoch}.network")
                assert list(network.sync_committee_validators) == everybody

            def subscribed() -> set[tuple[str, str]]:
                return {(each["validator_index"], each["until_epoch"]) for each in scene.beacon.sync_subscriptions}

            await until(lambda: subscribed() == {("20", str(last + 1)), ("30", str(last + 5))})

            await until(lambda: bool(scene.beacon.listeners))
            scene.beacon.later_sync_seats[last + 1] = {10: [5]}  # a reorganisation changes the next committee too
            scene.beacon.roots[last + 1] = b"\xee" * 32
            scene.beacon.head(last * SLOTS_PER_EPOCH + 9, b"\x01" * 32)
            value = await scene.reader.committee(of(last + 1, OURS), scene.fits(last + 1))
            assert [ValidatorDuty.decode(duty).validator_index for duty in value.sync_committee] == [10]
            await until(lambda: ("10", str(last + 5)) in subscribed())

    play(tmp_path, scenario, last)


def test_a_validator_gets_its_duties_as_soon_as_it_has_an_index(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        index = scene.beacon.indices.pop(key(3))
        async with scene.world.scheduling(scene.beacon.url) as service:
            await is_ready(service)
            value = await scene.reader.committee(of(NOW, OURS))
            assert list(attests(value)) == [10, 20]
            scene.beacon.indices[key(3)] = index
            for epoch in (NOW, NOW + 1):
                value = await scene.reader.committee(of(epoch, OURS), lambda value: len(value.validators) == 3)
                assert scene.fits(epoch)(value)
            await until(lambda: str(index) in {each["validator_index"] for each in scene.beacon.preparations})

    play(tmp_path, scenario)


def test_a_bucket_that_was_lost_is_written_again(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        async with scene.world.scheduling(scene.beacon.url) as service:
            await is_ready(service)
            before = await scene.revisions()
            await asyncio.to_thread(scene.world.nats.kill, lose_everything=True)
            await until(lambda: "nats" in service.health.problems())
            await asyncio.to_thread(scene.world.nats.start)
            await scene.reader.bus.connected()
            await is_ready(service)
            async with scene.world.reading() as reader:
                for each in before:
                    await (reader.network(each) if each.endswith("network") else reader.committee(each))

    play(tmp_path, scenario)
