"""Duties that single validators have, and what the beacon node is told of proposers, by the whole service."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from pathlib import Path

from tests.support.listener import until
from tests.support.scheduler import OWNER, record
from tests.support.scheduler_scene import (
    ALSO_OURS,
    EXIT,
    NOW,
    OURS,
    PROPOSER,
    REGISTRATION,
    SLOTS_PER_EPOCH,
    Scene,
    alone,
    attests,
    is_ready,
    key,
    of,
    play,
)

from ssv_api.v1 import duties_pb2 as pb
from ssv_protocol.registry.state import ChainMoment, Recipient
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import (
    Epoch,
    ExecutionAddress,
    Instant,
    Slot,
    ValidatorIndex,
)
from ssv_protocol.types.roles import BeaconRole


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
                    await (reader.network(each) if ".network" in each else reader.committee(each))

    play(tmp_path, scenario)
