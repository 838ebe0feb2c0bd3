"""An own validator that the chain has slashed, in the whole service."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.listener import until
from tests.support.scheduler_scene import ALSO_OURS, NOW, OURS, Scene, attests, of, play

SLASHED = 20


@pytest.mark.parametrize("status", ["active_slashed", "exited_slashed"])
@pytest.mark.parametrize(
    ("policy", "ours", "also_ours"),
    [("stop-validator", {10, 30}, {40}), ("stop-all", set(), set()), ("ignore", {10, 20, 30}, {40})],
)
def test_a_slashed_validator_is_told_and_stops_what_the_setting_says(
    tmp_path: Path, policy: str, ours: set[int], also_ours: set[int], status: str
) -> None:
    async def scenario(scene: Scene) -> None:
        scene.beacon.statuses[SLASHED] = status
        async with scene.world.scheduling(scene.beacon.url, on_slashing=policy) as service:
            await until(lambda: service.health.dependency("duties").is_up)
            for operators, expected in ((OURS, ours), (ALSO_OURS, also_ours)):
                value = await scene.reader.committee(of(NOW, operators))
                assert {own.index for own in value.validators} == set(attests(value)) == expected
            problem = service.health.dependency("slashing")
            assert problem.is_up is (policy == "ignore")
            assert problem.is_up or "1 validators were slashed" in str(problem.reason)
            count = service.metrics.registry.get_sample_value("ssv_duty_scheduler_slashed_validators")
            assert count == 1

    play(tmp_path, scenario)


def test_others_that_were_slashed_are_none_of_ours(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        scene.beacon.statuses[60] = "active_slashed"
        async with scene.world.scheduling(scene.beacon.url, on_slashing="stop-all") as service:
            await until(lambda: not service.health.problems())
            assert attests(await scene.reader.committee(of(NOW, OURS)))

    play(tmp_path, scenario)
