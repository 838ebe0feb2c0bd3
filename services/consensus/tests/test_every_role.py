"""All duties of a committee of four on a made-up chain, under Alan, under Boole, and over the switch."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest
from services.consensus.tests.committee import (
    FIRST_SLOT,
    FOUR,
    ONE,
    OPERATORS,
    SLOT_S,
    THREE,
    TWO,
)
from services.consensus.tests.every_duty import (
    BOOLE_EPOCHS,
    COMMON,
    EXIT_SLOT,
    LAST,
    NOBODY,
    ROLES,
    Play,
    drafts_of,
    graffiti,
    missed,
    on_the_chain,
)
from services.consensus.tests.fake_time import now
from services.consensus.tests.full_world import FullWorld

from ssv_consensus.due_duties import parts_of
from ssv_consensus.ports import Cleared
from ssv_consensus.stages import Stage
from ssv_protocol.errors import Reason
from ssv_protocol.forks import SsvFork
from ssv_protocol.runners.admission import duty_slot, open_content
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.runners.runner import Duty
from ssv_protocol.types.ids import Epoch, Slot
from ssv_protocol.types.message_id import message_domain
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.roles import BeaconRole, RunnerRole


@pytest.mark.parametrize("fork", SsvFork)
def test_every_duty_is_done_by_all(fork: SsvFork) -> None:
    async def scenario(play: Play) -> None:
        for me in OPERATORS:
            play.start(me)
        await play.until_over()
        assert {record.role for record in play.records()} == ROLES[fork]
        assert not missed(play.records())
        full, chain = play.full, play.committee.chain
        own = set(BeaconRole) - {BeaconRole.UNKNOWN, BeaconRole.ATTESTER, BeaconRole.SYNC_COMMITTEE}
        assert set(full.done) == own
        for slot in map(Slot, range(FIRST_SLOT, LAST + 1)):
            listed = await full.listed(slot)
            for role, duties in (
                (BeaconRole.AGGREGATOR, listed.attester),
                (BeaconRole.SYNC_COMMITTEE_CONTRIBUTION, listed.sync),
            ):
                assert {(slot, duty.validator_index) for duty in duties} <= full.done[role]
            for duty in listed.own:
                named = slot if duty.type == BeaconRole.PROPOSER else chain.first_slot(chain.epoch_of(slot))
                assert (named, duty.validator_index) in full.done[BeaconRole(duty.type)]

    on_the_chain(scenario, BOOLE_EPOCHS[fork])


@pytest.mark.parametrize("fork", SsvFork)
def test_each_record_tells_one_duty_and_all_its_validators(fork: SsvFork) -> None:
    async def scenario(play: Play) -> None:
        for me in OPERATORS:
            play.start(me)
        await play.until_over()
        for me in OPERATORS:
            records = play.records(me=me)
            assert len({(record.message_id, record.slot) for record in records}) == len(records)
            for slot in map(Slot, range(FIRST_SLOT, LAST + 1)):
                due = [part for duty in await play.full.duties(slot) for part in parts_of(duty)]
                told = [each for record in records if record.slot == slot for each in record.outcomes]
                assert sorted((each.duty_type, each.validator_index) for each in told) == sorted(
                    (each.type, each.validator_index) for each in due
                )
                assert all(len(each.participants) >= 3 for each in told)
        whole = {Stage.START, Stage.PARTIAL_SIGNATURES, Stage.COMBINE, Stage.SUBMISSION}
        agreed = whole | {Stage.FETCH, Stage.CONSENSUS}
        for record in play.records():
            if record.role is RunnerRole.COMMITTEE:
                assert set(record.stages_ms) == agreed
            elif record.decided is not None:
                assert set(record.stages_ms) == agreed | {Stage.PRE_CONSENSUS}
            else:
                assert set(record.stages_ms) == whole
        for role in ROLES[fork] - {RunnerRole.VALIDATOR_REGISTRATION, RunnerRole.VOLUNTARY_EXIT}:
            assert all(record.decided is not None and record.last_round == 1 for record in play.records(role))

    on_the_chain(scenario, BOOLE_EPOCHS[fork])


def test_the_leader_submits_its_own_block_in_full_and_the_others_what_was_decided() -> None:
    async def scenario(play: Play) -> None:
        for me in OPERATORS:
            play.start(me)
        await play.until_over()
        records = {record.slot: record for record in play.records(RunnerRole.PROPOSER)}
        assert records
        for slot, record in records.items():
            blocks = play.full.blocks[slot]
            assert len(blocks) == 4, slot
            assert len({block.root() for block in blocks}) == 1
            (whole,) = (block for block in blocks if not block.blinded)
            leader = play.committee.network.leader_at(slot)(slot, record.last_round, OPERATORS)  # type: ignore[arg-type]
            assert whole.block.body.graffiti == graffiti(leader)

    on_the_chain(scenario)


def test_each_duty_keeps_the_rules_of_its_slot_over_the_switch() -> None:
    boole = Epoch(2)

    async def scenario(play: Play) -> None:
        for me in OPERATORS:
            play.start(me)
        await play.until_over()
        network, chain = play.committee.network, play.committee.chain
        assert FIRST_SLOT < chain.first_slot(boole) <= LAST
        assert not missed(play.records())
        forks = {slot: network.ssv_fork_at(slot) for slot in map(Slot, range(FIRST_SLOT, LAST + 1))}
        for fork in SsvFork:
            roles = {record.role for record in play.records() if forks[record.slot] is fork}
            assert roles | {RunnerRole.VOLUNTARY_EXIT} == ROLES[fork] | {RunnerRole.VOLUNTARY_EXIT}
        for signed in map(SignedSSVMessage.decode, play.committee.kept):
            slot = duty_slot(open_content(signed))
            assert message_domain(signed.ssv_message.msg_id) == network.domain_at(slot)
        dropped = {reason for node in play.committee.nodes.values() for reason in node.dropped}
        assert not dropped & {Reason.MESSAGE_IDENTIFIER, Reason.MESSAGE_ROLE}

    on_the_chain(scenario, boole)


@pytest.mark.parametrize("fork", SsvFork)
def test_who_is_not_selected_misses_nothing(fork: SsvFork) -> None:
    async def scenario(play: Play) -> None:
        for me in OPERATORS:
            play.start(me, selection=NOBODY)
        await play.until_over()
        roles = ROLES[fork] - COMMON
        for role in roles:
            records = play.records(role)
            assert records
            assert all(not record.outcomes and record.decided is None for record in records)
        assert not missed(play.records())

    on_the_chain(scenario, BOOLE_EPOCHS[fork])


@dataclass
class Changing:
    """Duties that are known in part; `hidden` ones come later."""

    full: FullWorld
    hidden: set[BeaconRole]

    async def duties(self, slot: Slot) -> tuple[Duty, ...]:
        return tuple(
            duty
            for duty in await self.full.duties(slot)
            if not any(part.type in self.hidden for part in parts_of(duty))
        )


def test_an_exit_that_comes_late_to_some_is_begun_late_and_once() -> None:
    """The message of those who knew it before waits for it."""

    async def scenario(play: Play) -> None:
        late = Changing(play.full, {BeaconRole.VOLUNTARY_EXIT})
        for me in (ONE, TWO):
            play.start(me)
        slow = [play.start(me, duties=late) for me in (THREE, FOUR)]
        await play.committee.until_slot(EXIT_SLOT + 1, SLOT_S / 2)
        assert not play.full.done[BeaconRole.VOLUNTARY_EXIT]
        late.hidden.clear()
        for _ in range(2):
            for node in slow:
                node.duties_changed()
            await asyncio.sleep(0.1)
        await play.until_over()
        assert {index for _, index in play.full.done[BeaconRole.VOLUNTARY_EXIT]} == {play.full.leaver}
        records = play.records(RunnerRole.VOLUNTARY_EXIT)
        assert len(records) == 4
        assert not missed(records)
        assert all(len(drafts_of(play, RunnerRole.VOLUNTARY_EXIT, me)) == 1 for me in OPERATORS)

    on_the_chain(scenario)


def test_a_proposal_that_comes_in_mid_slot_is_begun_and_one_of_a_slot_that_is_over_is_not() -> None:
    async def scenario(play: Play) -> None:
        late = Changing(play.full, {BeaconRole.PROPOSER})
        nodes = [play.start(me, duties=late) for me in OPERATORS]
        await play.committee.until_slot(FIRST_SLOT + 3, 0.1)
        late.hidden.clear()
        for node in nodes:
            node.duties_changed()
        assert FIRST_SLOT % 2 == 0, "its proposal is over, that of slot + 2 too"
        await play.committee.until_slot(FIRST_SLOT + 4, 0.1)
        late.hidden.add(BeaconRole.PROPOSER)
        await play.committee.until_slot(FIRST_SLOT + 6, 0.1)
        late.hidden.clear()
        for node in nodes:
            node.duties_changed()
        await play.committee.until_slot(FIRST_SLOT + 9)
        slots = {slot for slot, _ in play.full.done[BeaconRole.PROPOSER]}
        assert slots == {FIRST_SLOT + 4, FIRST_SLOT + 6, FIRST_SLOT + 8}

    on_the_chain(scenario)


def test_a_node_begins_nothing_before_it_serves() -> None:
    async def scenario(play: Play) -> None:
        node = play.node(ONE)
        await play.committee.until_slot(FIRST_SLOT, 1)
        node.duties_changed()
        await asyncio.sleep(SLOT_S)
        assert not node.tasks
        assert not play.committee.kept

    on_the_chain(scenario)


def test_draining_waits_two_slots_for_an_exit_and_no_longer() -> None:
    async def scenario(play: Play) -> None:
        play.start(ONE)
        await play.committee.until_slot(EXIT_SLOT, 0.5)
        play.committee.nodes[ONE].drain()
        await play.committee.running[ONE]
        assert now() <= play.committee.chain.slot_start(Slot(EXIT_SLOT + 3))
        assert not play.committee.nodes[ONE].tasks

    on_the_chain(scenario)


def test_who_may_not_sign_begins_no_proposal() -> None:
    async def scenario(play: Play) -> None:
        async def bar_proposers(duty: Duty) -> Cleared:
            (part, *_) = parts_of(duty)
            if part.type != BeaconRole.PROPOSER:
                return Cleared(duty)
            return Cleared(None, {(BeaconRole.PROPOSER, part.validator_index): MissedReason.WAITING})

        play.start(ONE, clearance=bar_proposers)
        for me in (TWO, THREE, FOUR):
            play.start(me)
        await play.until_over()
        assert set(missed(play.records(me=ONE)).values()) == {MissedReason.WAITING}
        assert not drafts_of(play, RunnerRole.PROPOSER, ONE)
        assert not missed(play.records(me=TWO)), "three are enough"

    on_the_chain(scenario)
