"""What happens where one epoch ends and the next begins, with short epochs that go by, by the whole service."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.listener import until
from tests.support.scheduler_scene import ALSO_OURS, OURS, Scene, attests, is_ready, key, of, play

from ssv_api.v1 import duties_pb2 as pb
from ssv_ethereum.slot_clock import SlotClock
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import Epoch, Slot

SLOT_S, SLOTS = 0.75, 4
PERIOD_EPOCHS = 4


def clock_of(scene: Scene) -> SlotClock:
    return SlotClock(scene.world.network.chain)


async def last_slot(scene: Scene) -> Epoch:
    """Return in the last slot of an epoch which one it is."""
    clock = clock_of(scene)
    await until(lambda: clock.slot() % SLOTS == SLOTS - 1)
    return clock.chain.epoch_of(clock.slot())


async def has_begun(scene: Scene, epoch: Epoch) -> None:
    clock = clock_of(scene)
    await until(lambda: clock.chain.epoch_of(clock.slot()) >= epoch)


def sits(value: pb.CommitteeDuties) -> list[int]:
    return [ValidatorDuty.decode(duty).validator_index for duty in value.sync_committee]


def test_an_index_that_appears_in_the_last_slot_of_an_epoch_has_duties_in_the_next_one(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        index = scene.beacon.indices.pop(key(3))
        async with scene.world.scheduling(scene.beacon.url) as service:
            await is_ready(service)
            following = Epoch(await last_slot(scene) + 1)
            assert 30 not in attests(await scene.reader.committee(of(following, OURS)))
            scene.beacon.indices[key(3)] = index
            value = await scene.reader.committee(of(following, OURS), lambda value: len(value.validators) == 3)
            assert scene.fits(following)(value)
            due = (str(index), str(scene.beacon.attester_slot(following, index)))
            await until(lambda: due in {(each["validator_index"], each["slot"]) for each in scene.beacon.subscriptions})
            part = f"{following}.network.{key(3)[-1] % 16:x}"
            await scene.reader.part(part, lambda value: index in [each.index for each in value.validators])

    play(tmp_path, scenario, slot_s=SLOT_S, slots_per_epoch=SLOTS)


@pytest.mark.parametrize("heard_before", [True, False])
def test_a_block_that_was_replaced_across_an_epochs_edge_changes_the_duties_that_hang_on_it(
    tmp_path: Path, heard_before: bool
) -> None:
    async def scenario(scene: Scene) -> None:
        beacon, reader = scene.beacon, scene.reader
        async with scene.world.scheduling(beacon.url) as service:
            await is_ready(service)
            await until(lambda: bool(beacon.listeners))
            ended = await last_slot(scene)
            following = Epoch(ended + 1)
            first = Slot(following * SLOTS)
            if heard_before:
                beacon.head(first - 1, b"\x01" * 32)
            for operators in (OURS, ALSO_OURS):
                await reader.committee(of(following, operators), scene.fits(following))
            beacon.roots[following] = b"\xee" * 32  # known only by the first block of the epoch that they are for
            await has_begun(scene, following)
            beacon.head(first, b"\x02" * 32)
            for operators in (OURS, ALSO_OURS):
                value = await reader.committee(of(following, operators), scene.fits(following))
                assert value.dependent_root == b"\xee" * 32
            after_next = Epoch(following + 1)
            await reader.committee(of(after_next, OURS), scene.fits(after_next))
            proposers = await reader.network(
                f"{following}.network",
                lambda value: (
                    [(duty.slot, duty.validator_index) for duty in value.proposers] == beacon.proposals(following)
                ),
            )
            assert proposers.epoch == following

    play(tmp_path, scenario, slot_s=SLOT_S, slots_per_epoch=SLOTS)


def test_a_sync_committee_period_ends_and_every_epoch_has_its_own_committee(tmp_path: Path) -> None:
    last, first = Epoch(2 * PERIOD_EPOCHS - 1), Epoch(2 * PERIOD_EPOCHS)

    async def scenario(scene: Scene) -> None:
        beacon, reader = scene.beacon, scene.reader
        beacon.later_sync_seats[first] = {30: [5], 60: [1]}
        async with scene.world.scheduling(beacon.url) as service:
            await is_ready(service)
            assert sits(await reader.committee(of(last, OURS))) == [20]
            assert sits(await reader.committee(of(first, OURS))) == [30]
            await has_begun(scene, first)
            value = await reader.committee(of(Epoch(first + 1), OURS), scene.fits(first + 1))
            assert sits(value) == [30]
            network = await reader.network(f"{first + 1}.network")
            assert list(network.sync_committee_validators) == [30, 60]
            assert sits(await reader.committee(of(last, OURS))) == [20]  # its last slot's messages may come now
            assert f"validator/duties/sync/{first + 1}" not in beacon.requests  # it is the period's committee
            until_epochs = {(each["validator_index"], each["until_epoch"]) for each in beacon.sync_subscriptions}
            assert until_epochs == {("20", str(first)), ("30", str(first + PERIOD_EPOCHS))}

    play(tmp_path, scenario, last, slot_s=SLOT_S, slots_per_epoch=SLOTS)
