"""Doppelganger protection in the whole service: real gRPC, a real NATS, beacon nodes over HTTP, short epochs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

import grpc
from tests.support.fake_beacon import FakeBeacon, served_beacon
from tests.support.listener import until
from tests.support.scheduler_scene import OURS, Scene, key, of, play

from ssv_api.v1.duties_pb2 import CommitteeDuties
from ssv_api.v1.exporter_pb2 import DutyOutcome, DutyRecord
from ssv_protocol.types.committee import committee_id
from ssv_protocol.types.ids import OperatorId
from ssv_protocol.types.roles import BeaconRole, RunnerRole
from ssv_runtime.service import Service

SHORT = {"slot_s": 0.5, "slots_per_epoch": 4}
FOREVER = 0
"""Live since this epoch."""


def waiting(service: Service) -> float:
    return service.metrics.registry.get_sample_value("ssv_duty_scheduler_waiting_validators") or 0.0


def epoch_now(scene: Scene) -> int:
    chain = scene.beacon.chain
    return int((time.time() - chain.genesis_time_s) / chain.slot_duration_s) // chain.slots_per_epoch


async def first_value(scene: Scene, wanted: Callable[[CommitteeDuties], bool]) -> CommitteeDuties:
    """Return the first value of our committee that is as wanted, of whatever epoch."""
    async for entry in scene.reader.bucket.watch():
        if entry.value is not None and entry.key.endswith(of(0, OURS)[2:]):
            value = CommitteeDuties.FromString(entry.value)
            if wanted(value):
                return value
    raise AssertionError


def held_back(value: CommitteeDuties) -> set[int]:
    return {own.index for own in value.validators if own.may_sign_from_epoch > value.epoch}


async def tell(scene: Scene, index: int, signers: Iterable[int]) -> None:
    """Be a worker whose duty shows these at work for a validator."""
    committee = committee_id(OperatorId(number) for number in OURS)
    outcome = DutyOutcome(
        validator_index=index, duty_type=BeaconRole.ATTESTER, submitted=True, share_signers=list(signers)
    )
    slot = epoch_now(scene) * scene.beacon.slots_per_epoch
    record = DutyRecord(operator_id=1, committee_id=committee, role=RunnerRole.COMMITTEE, slot=slot, outcomes=[outcome])
    await scene.reader.bus.publish(f"ssv.decided.{committee.hex()}", record.SerializeToString())


def test_everybody_waits_until_two_epochs_were_quiet(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        began = epoch_now(scene)
        async with scene.world.scheduling(scene.beacon.url, doppelganger_protection=True) as service:
            value = await first_value(scene, lambda value: len(value.validators) == 3)
            assert held_back(value) == {10, 20, 30}
            await until(lambda: waiting(service) == 4)
            assert all(scene.world.signer.shares[key(n)].may_sign_from_epoch > began for n in (1, 2, 3, 4))
            await until(lambda: waiting(service) == 0)
            asked = sorted(int(path.rpartition("/")[2]) for path in scene.beacon.requests if "liveness" in path)
            assert len(asked) >= 2
            free = await first_value(scene, lambda value: len(value.validators) == 3 and not held_back(value))
            assert free.epoch >= asked[0] + 2, "not before the second of the quiet epochs was over"

    play(tmp_path, scenario, now=7, **SHORT)  # type: ignore[arg-type]


def test_who_lives_goes_on_waiting_until_a_quorum_of_the_others_signs(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        scene.beacon.live_since = {10: FOREVER, 20: FOREVER}
        async with scene.world.scheduling(scene.beacon.url, doppelganger_protection=True) as service:
            await until(lambda: waiting(service) == 4)
            await until(lambda: waiting(service) == 2)
            await tell(scene, 10, (1, 2, 3))  # a second copy of us was among them
            await tell(scene, 10, (2, 3))
            await tell(scene, 20, (2, 3, 4))
            await until(lambda: waiting(service) == 1)
            await first_value(scene, lambda value: held_back(value) == {10})
            await tell(scene, 10, (2, 3, 4))
            await until(lambda: waiting(service) == 0)

    play(tmp_path, scenario, now=7, **SHORT)  # type: ignore[arg-type]


def test_who_never_stopped_need_not_wait(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        now = epoch_now(scene)
        for number in (1, 2, 3):
            scene.world.signer.shares[key(number)].owned_epoch = now - 1
        async with scene.world.scheduling(scene.beacon.url, doppelganger_protection=True) as service:
            await until(lambda: waiting(service) == 1)
            value = await first_value(scene, lambda value: len(value.validators) == 3)
            assert not held_back(value)
            assert scene.world.signer.shares[key(1)].may_sign_from_epoch <= now

    play(tmp_path, scenario, now=7, **SHORT)  # type: ignore[arg-type]


def test_one_node_that_saw_a_validator_is_enough_to_go_on_waiting(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        other = FakeBeacon(scene.beacon.indices, scene.beacon.chain, live_since={10: FOREVER})
        async with (
            served_beacon(other),
            scene.world.scheduling(scene.beacon.url, other.url, doppelganger_protection=True) as service,
        ):
            await until(lambda: waiting(service) == 4)
            await until(lambda: waiting(service) == 1)
            value = await first_value(scene, lambda value: held_back(value) == {10})
            assert len(value.validators) == 3

    play(tmp_path, scenario, now=7, **SHORT)  # type: ignore[arg-type]


def test_while_no_node_tells_everybody_is_held_epoch_after_epoch(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        scene.beacon.trouble["liveness"] = 500
        began = epoch_now(scene)
        async with scene.world.scheduling(scene.beacon.url, doppelganger_protection=True) as service:
            share = scene.world.signer.shares[key(1)]
            await until(lambda: share.may_sign_from_epoch > began + 3)
            assert waiting(service) == 4
            del scene.beacon.trouble["liveness"]
            await until(lambda: waiting(service) == 0)

    play(tmp_path, scenario, now=7, **SHORT)  # type: ignore[arg-type]


def test_a_signer_that_can_not_be_asked_holds_up_no_value_and_is_asked_again(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        signer = scene.world.signer
        async with scene.world.scheduling(scene.beacon.url, doppelganger_protection=True):
            await until(lambda: signer.shares[key(1)].may_sign_from_epoch > 7)
            held = signer.shares[key(1)].may_sign_from_epoch
            signer.failures.extend([grpc.StatusCode.UNAVAILABLE] * 3)
            await until(lambda: signer.shares[key(1)].may_sign_from_epoch > held)

    play(tmp_path, scenario, now=7, **SHORT)  # type: ignore[arg-type]
