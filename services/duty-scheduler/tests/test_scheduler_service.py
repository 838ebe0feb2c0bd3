"""The whole service in this process on real gRPC, a real NATS with its permissions, and a beacon node that can be made
to fail. Slots are short so that ticks come; an epoch is so long that none ends in a test."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.fake_beacon import HANG, served_beacon
from tests.support.listener import until
from tests.support.scheduler import record
from tests.support.scheduler_scene import (
    ALSO_OURS,
    NOW,
    OURS,
    SLOTS_PER_EPOCH,
    THEIRS,
    Scene,
    attests,
    is_ready,
    key,
    of,
    play,
)

from ssv_api.v1 import duties_pb2 as pb
from ssv_protocol.types.duty import ValidatorDuty


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
                assert await scene.reader.known(epoch) == scene.beacon.indices
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


def asked_for_duties(scene: Scene) -> dict[str, int]:
    """Return how often each question was asked but those about the node itself, which come with every slot."""
    return {
        path: count
        for path, count in scene.beacon.requests.items()
        if not path.startswith(("node/", "config/", "beacon/genesis"))
    }


def test_nothing_is_asked_or_written_again_while_nothing_changes(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        heads = await scene.reader.heads()
        async with scene.world.scheduling(scene.beacon.url) as service:
            await is_ready(service)
            await until(lambda: bool(scene.beacon.listeners))
            before, asked = await scene.revisions(), asked_for_duties(scene)
            assert all(before.values())
            for offset in range(20):  # each of these and each tick is an occasion
                scene.beacon.head(NOW * SLOTS_PER_EPOCH + offset, bytes([offset]) * 32)
                await heads.get()
            assert await scene.revisions() == before
            assert asked_for_duties(scene) == asked
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
            await reader.part(f"{NOW}.network.7", lambda value: 70 in [each.index for each in value.validators])
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
            assert not await scene.reader.known(NOW)

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
