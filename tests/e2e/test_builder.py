"""The devnet's block builder with the real beacon node: registrations, a blinded block, full blocks around it, an exit.

No validator client runs. The proposers of the first epoch are played here with their interop keys, one block after the
other. The builder bids in odd slots only. At the end it is known who proposes in the two epochs that follow, which the
devnet's forecast must have told.
"""

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ssv_devnet.beacon_node import BeaconNodeSettings, running_beacon_node
from ssv_devnet.builder.process import running_builder
from ssv_devnet.builder.record import BuilderRecord
from ssv_devnet.interop import interop_secret_key
from ssv_devnet.proposer_forecast import forecast
from ssv_devnet.ssv_validators import SSV_VALIDATORS
from ssv_ethereum.beacon.answers import to_hex
from ssv_ethereum.beacon.block_content import BlockContent
from ssv_ethereum.beacon.errors import BeaconRefused
from ssv_ethereum.beacon.node import BeaconNode
from ssv_ethereum.slot_clock import SlotClock
from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.crypto.signing_root import (
    DOMAIN_APPLICATION_BUILDER,
    DOMAIN_BEACON_PROPOSER,
    DOMAIN_RANDAO,
    DOMAIN_VOLUNTARY_EXIT,
    compute_signing_root,
    uint64_root,
)
from ssv_protocol.types.beacon.block_proposal import BlockProposal
from ssv_protocol.types.beacon.exit import SignedVoluntaryExit, VoluntaryExit
from ssv_protocol.types.beacon.registration import SignedValidatorRegistration, ValidatorRegistration
from ssv_protocol.types.duty import MAX_SYNC_COMMITTEE_INDICES
from ssv_protocol.types.ids import (
    GENESIS_EPOCH,
    BlsSignature,
    Epoch,
    ExecutionAddress,
    Root,
    Slot,
    ValidatorIndex,
)
from ssvctl.supervisor.ports import free_ports

SLOT_S = 4
SLOTS_PER_EPOCH = 8
GENESIS_DELAY_S = 16
BID_SLOT, AFTER_BID_SLOT, UNWANTED_SLOT, UNREGISTERED_SLOT = map(Slot, (3, 4, 5, 7))
"""A bid that is taken; a full block on the builder's payload; a bid that the proposer does not want; a proposer that is
not registered."""
FEE_RECIPIENT = ExecutionAddress(b"\x5e" * 20)
GAS_LIMIT = 36_000_000
LEAVING = ValidatorIndex(255)


@dataclass
class Run:
    """What happened."""

    proposers: dict[Slot, ValidatorIndex]
    blinded: dict[Slot, bool] = field(default_factory=dict)
    roots: dict[Slot, Root] = field(default_factory=dict)
    blocks: dict[Slot, BlockContent] = field(default_factory=dict)
    record: BuilderRecord | None = None
    forecast: dict[Slot, ValidatorIndex] = field(default_factory=dict)
    sync_seats: dict[ValidatorIndex, int] = field(default_factory=dict)
    registration_refusal: str = ""
    block_refusal: str = ""
    log: str = ""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return asyncio.run(asyncio.wait_for(_run(tmp_path_factory.mktemp("builder")), 120))


async def _run(folder: Path) -> Run:
    port = free_ports(1)[0]
    settings = BeaconNodeSettings(
        int(time.time()) + GENESIS_DELAY_S,
        SLOT_S,
        slots_per_epoch=SLOTS_PER_EPOCH,
        builder_url=f"http://127.0.0.1:{port}",
    )
    async with (
        running_beacon_node(settings, folder / "beacon.log") as process,
        running_builder(process.url, port, folder / "builder.log", bid_every=2) as builder,
        BeaconNode(process.url, deadline_s=SLOT_S) as node,
    ):
        await node.status.wait_until_ready()
        chain = await node.chain.describe()
        duties = (await node.duties.proposer(GENESIS_EPOCH)).duties
        run = Run({duty.slot: duty.validator_index for duty in duties})
        await node.proposers.prepare(dict.fromkeys(run.proposers.values(), FEE_RECIPIENT))
        await _register(node, chain, run)
        async for slot in SlotClock(chain).ticks():
            if slot == chain.first_slot(Epoch(1)):
                break
            if slot == AFTER_BID_SLOT:
                await node.exits.submit(_exit(chain))
            if slot > 0:
                await _propose(node, chain, run, slot)
        for epoch in (Epoch(1), Epoch(2)):
            duties = (await node.duties.proposer(epoch)).duties
            run.proposers |= {duty.slot: duty.validator_index for duty in duties}
        run.forecast = forecast(chain, settings.validators, until=Epoch(3))
        seats = await node.duties.sync(Epoch(1), map(ValidatorIndex, range(settings.validators)))
        run.sync_seats = {duty.validator_index: len(duty.positions) for duty in seats}
        run.record = await builder.record()
        run.log = (folder / "builder.log").read_text() + (folder / "beacon.log").read_text()
        return run


async def _register(node: BeaconNode, chain: BeaconChain, run: Run) -> None:
    """All proposers but one, twice; a wrong signature among them must not keep the others out."""
    registered = [index for slot, index in run.proposers.items() if slot != UNREGISTERED_SLOT]
    good = [_registration(chain, index, signer=index) for index in registered]
    bad = _registration(chain, run.proposers[UNREGISTERED_SLOT], signer=run.proposers[BID_SLOT])
    await node.proposers.register(good)
    with pytest.raises(BeaconRefused) as refused:
        await node.proposers.register([bad, *good])
    run.registration_refusal = refused.value.message


def _registration(chain: BeaconChain, index: ValidatorIndex, signer: ValidatorIndex) -> SignedValidatorRegistration:
    pubkey = interop_secret_key(index).public_key()
    message = ValidatorRegistration(FEE_RECIPIENT, GAS_LIMIT, chain.genesis_time_s - GENESIS_DELAY_S, pubkey)
    domain = chain.domain(DOMAIN_APPLICATION_BUILDER, GENESIS_EPOCH)
    return SignedValidatorRegistration(message, _signature(signer, message.hash_tree_root(), domain))


def _exit(chain: BeaconChain) -> SignedVoluntaryExit:
    message = VoluntaryExit(Epoch(0), LEAVING)
    domain = chain.domain(DOMAIN_VOLUNTARY_EXIT, Epoch(0))
    return SignedVoluntaryExit(message, _signature(LEAVING, message.hash_tree_root(), domain))


def _signature(signer: ValidatorIndex, object_root: Root, domain: bytes) -> BlsSignature:
    return interop_secret_key(signer).sign(compute_signing_root(object_root, domain))


async def _propose(node: BeaconNode, chain: BeaconChain, run: Run, slot: Slot) -> None:
    proposer, epoch = run.proposers[slot], chain.epoch_of(slot)
    reveal = _signature(proposer, uint64_root(epoch), chain.domain(DOMAIN_RANDAO, epoch))
    boost = 0 if slot == UNWANTED_SLOT else 100
    produced = await node.blocks.produce(slot, reveal, b"played by a test", builder_boost_factor=boost)
    proposal = BlockProposal.decode(produced.fork, produced.ssz)
    run.blinded[slot], run.roots[slot] = produced.is_blinded, proposal.root()
    domain = chain.domain(DOMAIN_BEACON_PROPOSER, epoch)
    if slot == BID_SLOT:
        foreign = proposal.signed(_signature(LEAVING, proposal.root(), domain)).encode()
        with pytest.raises(BeaconRefused) as refused:
            await node.blocks.publish(foreign, produced.fork, is_blinded=produced.is_blinded)
        run.block_refusal = refused.value.message
    signed = proposal.signed(_signature(proposer, proposal.root(), domain)).encode()
    for _ in range(2):  # as several operators do
        await node.blocks.publish(signed, produced.fork, is_blinded=produced.is_blinded)
    content = await node.blocks.content(slot)
    assert content is not None
    run.blocks[slot] = content


def test_the_node_takes_the_bid_where_there_is_one_and_it_is_wanted(run: Run) -> None:
    assert [slot for slot, blinded in run.blinded.items() if blinded] == [BID_SLOT], run.log
    assert len(run.blocks) == SLOTS_PER_EPOCH - 1, run.log


def test_the_blinded_block_is_on_chain_in_full(run: Run) -> None:
    assert run.record is not None
    (unblinded,) = run.record.unblinded
    block = run.blocks[BID_SLOT]
    assert (unblinded.slot, unblinded.proposer_index) == (BID_SLOT, run.proposers[BID_SLOT])
    assert unblinded.block_root == to_hex(run.roots[BID_SLOT])
    assert block.votes.proposer_index == run.proposers[BID_SLOT]
    assert to_hex(block.payload_hash) == unblinded.block_hash
    assert block.fee_recipient == FEE_RECIPIENT
    assert run.blocks[AFTER_BID_SLOT].votes.parent_root == run.roots[BID_SLOT]


def test_bids_are_recorded(run: Run) -> None:
    assert run.record is not None
    bid = run.record.bids[0]
    assert (bid.slot, bid.block_hash) == (BID_SLOT, to_hex(run.blocks[BID_SLOT].payload_hash))
    assert bid.pubkey == to_hex(interop_secret_key(run.proposers[BID_SLOT]).public_key())
    assert {bid.slot for bid in run.record.bids} <= {BID_SLOT, UNWANTED_SLOT}


def test_registrations_are_counted_by_validator(run: Run) -> None:
    assert run.record is not None
    registered = [
        index for slot, index in run.proposers.items() if slot < SLOTS_PER_EPOCH and slot != UNREGISTERED_SLOT
    ]
    assert len(run.record.registrations) == len(registered)
    for index in registered:
        seen = run.record.registration_of(interop_secret_key(index).public_key())
        assert seen is not None
        assert (seen.count, seen.fee_recipient, seen.gas_limit) == (2, to_hex(FEE_RECIPIENT), GAS_LIMIT)


def test_a_registration_with_a_wrong_signature_is_refused(run: Run) -> None:
    assert run.record is not None
    assert run.record.refused_registrations == 1
    assert "signature is wrong" in run.registration_refusal


def test_a_blinded_block_with_a_foreign_signature_is_refused(run: Run) -> None:
    assert "not signed by the validator" in run.block_refusal


def test_the_forecast_of_proposers_holds(run: Run) -> None:
    assert len(run.proposers) == 3 * SLOTS_PER_EPOCH
    assert run.forecast == run.proposers, run.log


def test_ssv_validators_have_no_more_sync_committee_seats_than_a_duty_holds(run: Run) -> None:
    assert 0 < max(run.sync_seats.get(index, 0) for index in SSV_VALIDATORS) <= MAX_SYNC_COMMITTEE_INDICES


def test_the_exit_is_in_the_next_block(run: Run) -> None:
    assert run.blocks[AFTER_BID_SLOT].exits == (LEAVING,)
    assert not run.blocks[BID_SLOT].exits
