"""Attestations that no block holds: the whole service on a real NATS, a beacon node over HTTP, short epochs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from tests.support.listener import until
from tests.support.scheduler_scene import OURS, Scene, play

from ssv_api.v1.exporter_pb2 import DutyOutcome, DutyRecord
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.types.committee import committee_id
from ssv_protocol.types.ids import OperatorId
from ssv_protocol.types.roles import BeaconRole, RunnerRole
from ssv_runtime.nats_permissions import DECIDED_STREAM
from ssvctl.duty_records import read_records

SHORT = {"slot_s": 0.5, "slots_per_epoch": 4}
COMMITTEE = committee_id(OperatorId(number) for number in OURS)
LOST, KEPT = 10, 30
"""They attest in the same slot."""


def slot_to_come(scene: Scene) -> int:
    """Return the slot of the next epoch in which both attest."""
    chain = scene.beacon.chain
    epoch = int((time.time() - chain.genesis_time_s) / chain.slot_duration_s) // chain.slots_per_epoch + 1
    slot = scene.beacon.attester_slot(epoch, LOST)
    assert slot == scene.beacon.attester_slot(epoch, KEPT)
    return slot


def part(index: int, kind: BeaconRole = BeaconRole.ATTESTER, missed: str = "") -> DutyOutcome:
    return DutyOutcome(validator_index=index, duty_type=kind, submitted=not missed, missed_reason=missed)


async def tell(scene: Scene, slot: int, *outcomes: DutyOutcome) -> None:
    """Be the worker that performed a duty."""
    bus, record = scene.reader.bus, DutyRecord(operator_id=1, committee_id=COMMITTEE, role=RunnerRole.COMMITTEE)
    record.slot = slot
    record.outcomes.extend(outcomes)
    await bus.ensure_stream(DECIDED_STREAM, ["ssv.decided.>"], max_age_s=600.0, max_bytes=1_000_000)
    await bus.publish_stream(f"ssv.decided.{COMMITTEE.hex()}", record.SerializeToString())


async def corrections(scene: Scene, wanted: Callable[[list[DutyRecord]], object] = bool) -> list[DutyRecord]:
    """Return the corrections on the bus once they are as wanted."""
    while True:
        records = await read_records(f"nats://127.0.0.1:{scene.world.nats.port}", "of-exporter")
        found = [each for each in records if each.correction]
        if wanted(found):
            return found
        await asyncio.sleep(0.1)


def test_what_no_block_holds_is_told_when_no_block_can_hold_it_any_more(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        slot = slot_to_come(scene)
        scene.beacon.missing_votes = {(slot, LOST)}
        async with scene.world.scheduling(scene.beacon.url) as service:
            await until(lambda: service.health.dependency("duties").is_up)
            await tell(
                scene,
                slot,
                part(LOST),
                part(KEPT),
                part(20, BeaconRole.SYNC_COMMITTEE),
                part(40, missed=MissedReason.NO_PROPOSAL),
            )
            (found,) = await corrections(scene)
            assert (found.slot, found.operator_id, found.committee_id) == (slot, 1, COMMITTEE)
            assert [(each.validator_index, each.missed_reason, each.submitted) for each in found.outcomes] == [
                (LOST, MissedReason.NOT_INCLUDED, False)
            ]
            looked_at = {int(path.rpartition("/")[2]) for path in scene.beacon.requests if "/beacon/blocks/" in path}
            last = (slot // 4 + 2) * 4 - 1
            assert looked_at >= set(range(slot + 1, last + 1)), "a vote may come until the end of the next epoch"
            name = "ssv_duty_scheduler_not_included_total"
            assert service.metrics.registry.get_sample_value(name) == 1

    play(tmp_path, scenario, now=7, **SHORT)  # type: ignore[arg-type]


def test_blocks_that_can_not_be_had_are_asked_for_again(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        slot = slot_to_come(scene)
        scene.beacon.missing_votes = {(slot, LOST)}
        scene.beacon.trouble["/beacon/blocks/"] = 500
        asked = f"/eth/v2/beacon/blocks/{slot + 1}"
        async with scene.world.scheduling(scene.beacon.url) as service:
            await until(lambda: service.health.dependency("duties").is_up)
            await tell(scene, slot, part(LOST), part(KEPT))
            await until(lambda: scene.beacon.requests[asked] > 1)
            del scene.beacon.trouble["/beacon/blocks/"]
            (found,) = await corrections(scene)
            assert [each.validator_index for each in found.outcomes] == [LOST]

    play(tmp_path, scenario, now=7, **SHORT)  # type: ignore[arg-type]


def test_slots_without_a_block_hold_nothing(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        slot = slot_to_come(scene)
        scene.beacon.trouble["/beacon/blocks/"] = 404
        async with scene.world.scheduling(scene.beacon.url) as service:
            await until(lambda: service.health.dependency("duties").is_up)
            await tell(scene, slot, part(LOST), part(KEPT))
            (found,) = await corrections(scene)
            assert [each.validator_index for each in found.outcomes] == [LOST, KEPT]

    play(tmp_path, scenario, now=7, **SHORT)  # type: ignore[arg-type]
