"""What every duty wants of a beacon node, from the devnet's real one: asked, signed with the interop keys, handed over.

Everything happens in two long slots: in the first a block, votes of all committees and of the sync committee, their
aggregates and contributions, an exit; in the second a block that must hold them.
"""

import asyncio
import time
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from tests.support.beacon_duties import EPOCH, GRAFFITI, LEAVING, REGISTERED, VALIDATORS, Duties, Run

from ssv_devnet.beacon_node import BeaconNodeSettings, running_beacon_node
from ssv_ethereum.beacon.errors import BeaconRefused
from ssv_ethereum.beacon.inclusion import attesters, sync_voters
from ssv_ethereum.beacon.node import BeaconNode
from ssv_ethereum.beacon.validators import NOT_LEAVING
from ssv_ethereum.pool.pool import BeaconPool
from ssv_ethereum.slot_clock import SlotClock
from ssv_protocol.types.beacon.capella import BlindedBeaconBlockBody
from ssv_protocol.types.ids import Epoch, ExecutionAddress, Slot
from ssv_protocol.types.roles import BeaconRole

SLOT_S = 12
GENESIS_DELAY_S = 6
FIRST, SECOND = Slot(1), Slot(2)
FEE_RECIPIENT = ExecutionAddress(b"\x0d" * 20)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return asyncio.run(_run(tmp_path_factory.mktemp("beacon") / "beacon.log"))


async def _run(log: Path) -> Run:
    # The first slot begins when the node is there.
    settings = BeaconNodeSettings(int(time.time()) + GENESIS_DELAY_S - SLOT_S, SLOT_S, VALIDATORS)
    run = Run()
    async with (
        AsyncExitStack() as stack,
        running_beacon_node(settings, log) as running,
        BeaconNode(running.url) as node,
    ):
        await node.status.wait_until_ready()
        chain = await node.chain.describe()
        clock = SlotClock(chain)
        pool = await stack.enter_async_context(BeaconPool([running.url], chain))
        duties = Duties(node, pool, run)
        run.proposers = {duty.slot: duty.validator_index for duty in (await node.duties.proposer(EPOCH)).duties}
        await node.proposers.prepare(dict.fromkeys(run.proposers.values(), FEE_RECIPIENT))
        sync_duties = await node.duties.sync(EPOCH, list(run.proposers.values()))
        await node.subscriptions.sync_committee(sync_duties, Epoch(8))
        await clock.wait_for_slot(FIRST)
        await duties.propose(FIRST)
        await duties.aggregate(FIRST, await duties.attest(FIRST))
        await duties.contribute(FIRST, await duties.vote_for_head(FIRST))
        await duties.leave(FIRST)
        await duties.register(FIRST)
        await clock.wait_for_slot(SECOND)
        await duties.propose(SECOND, at_once=True)
        for slot in (FIRST, SECOND):
            content = await node.blocks.content(slot)
            assert content is not None
            run.contents[slot] = content
        run.leaving = (await node.validators.by_index([LEAVING]))[LEAVING]
        # Who hands over an exit that is done need not worry either.
        await duties.submit(SECOND, duties.exit)
    return run


def test_everything_is_taken_also_what_the_node_has_already(run: Run) -> None:
    assert {role for role, _ in run.handed} == set(BeaconRole) - {
        BeaconRole.VALIDATOR_REGISTRATION,
        BeaconRole.UNKNOWN,
    }
    assert not run.refused


def test_what_is_forged_is_named(run: Run) -> None:
    assert [len(refused) for refused in run.forged.values()] == [1, 1]
    assert run.forged[BeaconRole.ATTESTER] <= {(BeaconRole.ATTESTER, index) for index in run.attested}
    assert run.forged[BeaconRole.VOLUNTARY_EXIT] == {(BeaconRole.VOLUNTARY_EXIT, LEAVING)}


def test_without_a_builder_registrations_are_refused(run: Run) -> None:
    assert run.without_builder == {(BeaconRole.VALIDATOR_REGISTRATION, REGISTERED)}


def test_before_anybody_voted_there_is_no_aggregate_and_no_contribution(run: Run) -> None:
    assert isinstance(run.missing_aggregate, BeaconRefused)
    assert run.missing_aggregate.status == 404
    assert run.missing_contribution is not None
    assert run.missing_contribution.contribution is None


def test_blocks_say_whose_they_are_and_whom_they_pay(run: Run) -> None:
    for slot in (FIRST, SECOND):
        content, body = run.contents[slot], run.proposals[slot].blind().block.body
        assert (content.votes.slot, content.votes.proposer_index) == (slot, run.proposers[slot])
        assert content.graffiti.rstrip(b"\0") == GRAFFITI
        assert content.fee_recipient == FEE_RECIPIENT
        assert isinstance(body, BlindedBeaconBlockBody)
        assert content.payload_hash == body.execution_payload_header.block_hash


def test_the_second_block_holds_every_vote_of_the_first_slot(run: Run) -> None:
    assert len(run.attested) == VALIDATORS // 8
    votes = run.contents[SECOND].votes
    included = {index for attestation in votes.attestations for index in attesters(attestation, run.committees)}
    assert included == run.attested
    members = {duty.validator_index for duty in run.sync_duties}
    assert members
    assert sync_voters(votes.sync_bits, run.sync_duties) == members


def test_the_second_block_holds_the_exit(run: Run) -> None:
    assert [run.contents[slot].exits for slot in (FIRST, SECOND)] == [(), (LEAVING,)]
    assert run.leaving is not None
    assert run.leaving.status == "active_exiting"
    assert EPOCH < run.leaving.exit_epoch < NOT_LEAVING
