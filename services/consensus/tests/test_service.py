"""Whole workers on real parts: NATS with its accounts, signer processes, gRPC with certificates, HTTP."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from pathlib import Path

import pytest
from services.consensus.tests.four_operators import OPERATORS, FourOperators, until, with_four_operators
from services.consensus.tests.gateway import Said
from tests.support.gateway_operators import OWNER

from ssv_api.v1.exporter_pb2 import DutyRecord
from ssv_protocol.forks import SsvFork
from ssv_protocol.types.ids import Epoch, Height, Instant, Round, Slot
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import BeaconRole, QbftMessageType, RunnerRole

pytestmark = pytest.mark.system

ONE, TWO, THREE = OPERATORS[:3]
STAGES = {"fetch", "consensus", "partial_signatures", "combine", "submission", "whole_duty"}


def test_four_workers_attest_and_say_how_it_went(tmp_path: Path) -> None:
    async def scenario(operators: FourOperators) -> None:
        await until("two complete slots", lambda: len(operators.complete()) >= 2)
        assert not operators.world.invalid
        for worker in operators.workers.values():
            assert not worker.problems
        slot = operators.complete()[-1]
        for number in OPERATORS:
            record = operators.records[slot][number]
            assert record.decided
            assert record.last_round >= 1
            assert set(record.stages_ms) >= STAGES
            assert set(record.legs_ms_p50) == {"bus", "signer", "gateway"}
            for outcome in record.outcomes:
                assert outcome.submitted
                assert not outcome.missed_reason
                assert len(outcome.participants) >= 3
                is_vote = outcome.duty_type == BeaconRole.ATTESTER
                on_chain = operators.world.included if is_vote else operators.world.sync_included
                assert (slot, outcome.validator_index) in on_chain

    with_four_operators(tmp_path, scenario)


ONES_OWN = {BeaconRole.PROPOSER, BeaconRole.VALIDATOR_REGISTRATION, BeaconRole.VOLUNTARY_EXIT}
AGGREGATION = {BeaconRole.AGGREGATOR, BeaconRole.SYNC_COMMITTEE_CONTRIBUTION}
ALANS = {RunnerRole.AGGREGATOR, RunnerRole.SYNC_COMMITTEE_CONTRIBUTION}
BOOLES = {RunnerRole.AGGREGATOR_COMMITTEE}


@pytest.mark.parametrize(("fork", "boole_epoch"), [(SsvFork.ALAN, None), (SsvFork.BOOLE, Epoch(0))])
def test_four_workers_do_every_kind_of_duty(tmp_path: Path, fork: SsvFork, boole_epoch: Epoch | None) -> None:
    async def scenario(operators: FourOperators) -> None:
        done, others = operators.full.done, operators.others

        def by_all(role: BeaconRole) -> bool:
            return {
                record.operator_id
                for records in others.values()
                for record in records
                for each in record.outcomes
                if each.duty_type == role and each.submitted
            } == set(OPERATORS)

        for role in ONES_OWN | AGGREGATION:
            await until(f"{role.name} by all", partial(by_all, role))
            assert done[role]
        assert not operators.world.invalid
        assert {RunnerRole(role) for role in others} & (ALANS | BOOLES) == (ALANS if fork is SsvFork.ALAN else BOOLES)
        assert operators.full.fee_recipients == {OWNER}

    with_four_operators(tmp_path, scenario, boole_epoch=boole_epoch, every_kind=True)


def test_the_leaders_block_is_submitted_in_full_with_its_graffiti(tmp_path: Path) -> None:
    async def scenario(operators: FourOperators) -> None:
        def proposed() -> list[DutyRecord]:
            records = operators.others[RunnerRole.PROPOSER]
            return [each for each in records if len(operators.full.blocks[Slot(each.slot)]) == len(OPERATORS)]

        record = (await until("a proposal by all", proposed))[0]
        assert set(record.stages_ms) >= STAGES | {"pre_consensus"}
        slot, blocks = Slot(record.slot), operators.full.blocks[Slot(record.slot)]
        assert len({block.root() for block in blocks}) == 1
        (whole,) = (block for block in blocks if not block.blinded)
        proposed_by = [
            operators.network.leader_at(slot)(Height(slot), Round(number), OPERATORS)
            for number in range(1, record.last_round + 1)
        ]
        assert whole.block.body.graffiti in {f"ssv operator {each}".encode().ljust(32, b"\0") for each in proposed_by}

    with_four_operators(tmp_path, scenario, every_kind=True)


def test_without_operator_4_every_part_of_operator_1_may_die(tmp_path: Path) -> None:
    async def scenario(operators: FourOperators) -> None:
        def complete_after(slot: Slot) -> list[Slot]:
            return [each for each in operators.complete((ONE, TWO, THREE)) if each > slot]

        first = (await until("a complete slot", lambda: complete_after(Slot(0))))[-1]

        operators.signers[ONE].kill()
        await operators.signers[ONE].start()
        second = (await until("a complete slot after the signer died", lambda: complete_after(Slot(first + 2))))[-1]

        operators.nats.kill()
        operators.nats.start()
        third = (await until("a complete slot after the bus died", lambda: complete_after(Slot(second + 2))))[-1]
        assert 1 in operators.records[third][TWO].outcomes[0].participants

    with_four_operators(tmp_path, scenario, workers=(ONE, TWO, THREE))


def test_a_worker_that_dies_after_its_commit_goes_on_in_the_same_slot(tmp_path: Path) -> None:
    """The others decide meanwhile and fall silent: what was said is to be had from the gateways only."""

    async def scenario(operators: FourOperators) -> None:
        await until("a complete slot", lambda: operators.complete((ONE, TWO, THREE)))
        committed: asyncio.Future[Slot] = asyncio.get_running_loop().create_future()

        def watch(said: Said) -> None:
            message, content = said
            is_commit = isinstance(content, QbftMessage) and content.msg_type == QbftMessageType.COMMIT
            if is_commit and message.operator_ids == (ONE,) and not committed.done():
                assert isinstance(content, QbftMessage)
                committed.set_result(Slot(content.height))
                operators.workers[ONE].task.cancel()  # before anybody has its commit

        operators.gateway.on_message = watch
        slot = await committed
        await operators.workers[ONE].kill()
        await operators.start_worker(ONE)
        await until(f"the records of slot {slot}", lambda: {ONE, TWO, THREE} <= operators.records[slot].keys())
        assert slot in operators.complete((ONE, TWO, THREE))
        participants = operators.records[slot][TWO].outcomes[0].participants
        assert set(participants) == {ONE, TWO, THREE}
        assert not operators.world.invalid

    with_four_operators(tmp_path, scenario, workers=(ONE, TWO, THREE))


def test_a_worker_that_is_asked_to_stop_finishes_its_duties(tmp_path: Path) -> None:
    async def scenario(operators: FourOperators) -> None:
        begun: asyncio.Future[Slot] = asyncio.get_running_loop().create_future()

        def watch(said: Said) -> None:
            _, content = said
            if isinstance(content, QbftMessage) and not begun.done() and operators.complete():
                begun.set_result(Slot(content.height))

        operators.gateway.on_message = watch
        slot = await begun
        worker = operators.workers[ONE]
        last = operators.chain.slot_at(Instant(time.time()))
        worker.service.stopping.set()
        await worker.task
        await until(f"the others' records of slot {slot + 2}", lambda: TWO in operators.records[Slot(slot + 2)])
        assert slot in operators.complete()
        assert max(each for each, by_operator in operators.records.items() if ONE in by_operator) <= last

    with_four_operators(tmp_path, scenario)
