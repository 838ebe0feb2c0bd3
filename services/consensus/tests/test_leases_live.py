"""Leases between real workers and real signer processes."""

from __future__ import annotations

from pathlib import Path

import pytest
from services.consensus.tests.four_operators import OPERATORS, FourOperators, until, with_four_operators

from ssv_protocol.types.ids import Slot

pytestmark = pytest.mark.system

ONE, TWO, THREE = OPERATORS[:3]


def test_a_worker_whose_committee_was_taken_says_so_and_the_other_goes_on(tmp_path: Path) -> None:
    async def scenario(operators: FourOperators) -> None:
        first = (await until("a complete slot", lambda: operators.complete((ONE, TWO, THREE))))[-1]
        former = operators.workers[ONE]
        await operators.start_worker(ONE)
        try:
            problem = await until("the former one says so", lambda: former.problems.get("leases"))
        finally:
            await former.kill()  # it would take the committee again after an epoch, and these are short
        assert "another worker holds" in problem
        assert "leases" not in operators.workers[ONE].problems
        await until(
            "a complete slot of the other's",
            lambda: any(slot > first + 4 for slot in operators.complete((ONE, TWO, THREE))),
        )

    with_four_operators(tmp_path, scenario, workers=(ONE, TWO, THREE))


def test_a_signer_that_believes_no_disk_is_told_by_its_worker_that_nothing_is_missing(tmp_path: Path) -> None:
    async def scenario(operators: FourOperators) -> None:
        first = (await until("a complete slot", lambda: operators.complete((ONE, TWO, THREE))))[-1]
        signer = operators.signers[ONE]
        signer.kill()
        signer.settings["cold_start"] = "witness"
        await signer.start()

        def complete_after(slot: int) -> list[Slot]:
            return [each for each in operators.complete((ONE, TWO, THREE)) if each > slot]

        assert await until("a complete slot after the restart", lambda: complete_after(first + 2))
        assert "begins anew" not in signer.log.read_text()

    with_four_operators(tmp_path, scenario, workers=(ONE, TWO, THREE))
