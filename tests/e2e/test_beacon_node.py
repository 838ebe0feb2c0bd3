"""The devnet's real beacon node with the background validators: blocks come, votes land on chain.

Two whole epochs are counted. One group of validators is released for the second. Half of it is voted for from here,
late in the slot and one by one, as SSV does: the background client's aggregates must hold those votes. The other half
is not, so that the observer is seen to tell votes that are missing from votes that are there. After those epochs one
more validator is released before its turn to propose, which nobody then takes.
"""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from ssv_devnet.background_validators.process import running_background_validators
from ssv_devnet.beacon_node import BeaconNodeError, BeaconNodeSettings, running_beacon_node, start_beacon_node
from ssv_devnet.interop import interop_secret_key
from ssv_devnet.observer import Observation, Observer, Vote
from ssv_ethereum.beacon.block_content import BlockContent
from ssv_ethereum.beacon.errors import BatchRefused
from ssv_ethereum.beacon.events import HeadEvent, StreamOpened, Topic
from ssv_ethereum.beacon.node import BeaconNode
from ssv_ethereum.slot_clock import SlotClock
from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.crypto.signing_root import DOMAIN_BEACON_ATTESTER, compute_signing_root
from ssv_protocol.types.beacon.attestation import SingleAttestation
from ssv_protocol.types.beacon.sync_committee import SyncCommitteeMessage
from ssv_protocol.types.ids import BlsSignature, Epoch, Root, Slot, ValidatorIndex

SLOT_S = 3
VALIDATORS = 256
GENESIS_DELAY_S = 12
FIRST_EPOCH, LAST_EPOCH = Epoch(1), Epoch(2)
RUN_HERE = tuple(ValidatorIndex(index) for index in range(16, 24))
SILENT = tuple(ValidatorIndex(index) for index in range(24, 32))
SLOTS_PER_EPOCH = 8
NOBODYS_SLOT = Slot(SLOTS_PER_EPOCH * (LAST_EPOCH + 1) + 1)
"""Far enough behind the counted epochs for their last votes to be included."""


@dataclass
class Run:
    """What two epochs of a real chain looked like."""

    chain: BeaconChain
    observation: Observation
    events: list[object]
    refusal: BatchRefused
    background_log: str
    last_blocks: tuple[BlockContent | None, BlockContent | None]

    @property
    def included_share(self) -> float:
        background = {vote for vote in self.observation.due if not self.is_released(vote)}
        return len(background & self.observation.included.keys()) / len(background)

    def is_released(self, vote: Vote) -> bool:
        return vote in self.released((*RUN_HERE, *SILENT))

    def released(self, indices: tuple[ValidatorIndex, ...]) -> set[Vote]:
        """Due votes of `indices` in the epoch from which they are released."""
        due = self.observation.due | self.observation.sync_due
        return {vote for vote in due if vote[1] in indices and self.chain.epoch_of(vote[0]) == LAST_EPOCH}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return asyncio.run(_run(tmp_path_factory.mktemp("beacon")))


async def _run(folder: Path) -> Run:
    genesis_s = int(time.time()) + GENESIS_DELAY_S
    # A new sync committee begins with the second counted epoch.
    settings = BeaconNodeSettings(genesis_s, SLOT_S, VALIDATORS, sync_period_epochs=LAST_EPOCH)
    background_log = folder / "background.log"
    async with (
        running_beacon_node(settings, folder / "beacon.log") as running,
        running_background_validators(running.url, VALIDATORS, background_log) as background,
        BeaconNode(running.url) as node,
    ):
        await node.status.wait_until_ready()
        chain = await node.chain.describe()
        clock = SlotClock(chain)
        await background.release((*RUN_HERE, *SILENT), LAST_EPOCH)
        events: list[object] = []
        listening = asyncio.create_task(_collect(node, events))
        observer = Observer(node, chain, map(ValidatorIndex, range(VALIDATORS)))
        first, last = chain.first_slot(FIRST_EPOCH), Slot(chain.first_slot(Epoch(LAST_EPOCH + 1)) - 1)
        async for slot in clock.ticks():
            if slot == last:
                await background.release([await _proposer(node, chain, NOBODYS_SLOT)], Epoch(LAST_EPOCH + 1))
            if chain.epoch_of(slot) == LAST_EPOCH:
                await clock.wait_for_slot(slot, chain.slot_duration_s / 2)
                await _vote_one_by_one(node, chain, slot)
            # After the block of this slot, and before the next one.
            await clock.wait_for_slot(slot, 5 * chain.slot_duration_s / 6)
            await observer.advance(slot)
            if slot == NOBODYS_SLOT:
                break
        message = SyncCommitteeMessage(slot, Root(bytes(32)), ValidatorIndex(0), BlsSignature(bytes(96)))
        with pytest.raises(BatchRefused) as refused:
            await node.sync_committee.submit_messages([message])
        listening.cancel()
        last_blocks = await node.blocks.content(Slot(NOBODYS_SLOT - 1)), await node.blocks.content(NOBODYS_SLOT)
        log = background_log.read_text()
        return Run(chain, observer.observation(first, last), events, refused.value, log, last_blocks)


async def _proposer(node: BeaconNode, chain: BeaconChain, slot: Slot) -> ValidatorIndex:
    duties = (await node.duties.proposer(chain.epoch_of(slot))).duties
    return next(duty.validator_index for duty in duties if duty.slot == slot)


async def _vote_one_by_one(node: BeaconNode, chain: BeaconChain, slot: Slot) -> None:
    epoch = chain.epoch_of(slot)
    data = await node.attestations.data(slot)
    root = compute_signing_root(data.hash_tree_root(), chain.domain(DOMAIN_BEACON_ATTESTER, epoch))
    for duty in (await node.duties.attester(epoch, RUN_HERE)).duties:
        if duty.slot == slot:
            signature = interop_secret_key(duty.validator_index).sign(root)
            single = SingleAttestation(duty.committee_index, duty.validator_index, data, signature)
            await node.attestations.submit([single], chain.fork_at(epoch).fork)


async def _collect(node: BeaconNode, events: list[object]) -> None:
    async for event in node.events.listen([Topic.HEAD]):
        events.append(event)


def test_the_chain_is_as_configured(run: Run) -> None:
    assert (run.chain.slot_duration_s, run.chain.slots_per_epoch) == (SLOT_S, SLOTS_PER_EPOCH)


def test_blocks_in_every_slot_but_at_most_one(run: Run) -> None:
    assert len(run.observation.proposals) == 2 * run.chain.slots_per_epoch
    missed = [slot for slot, proposer in run.observation.proposals.items() if proposer is None]
    assert len(missed) <= 1, run.background_log


def test_nearly_all_attestations_are_included(run: Run) -> None:
    assert len(run.observation.due) == 2 * VALIDATORS
    print(f"included: {run.included_share:.1%}")
    assert run.included_share >= 0.95, run.background_log


def test_released_validators_do_not_vote(run: Run) -> None:
    silent = run.released(SILENT)
    assert len({index for _, index in silent & run.observation.due}) == len(SILENT)
    assert not silent & run.observation.included.keys()
    assert not silent & run.observation.sync_included


def test_a_released_validator_does_not_propose(run: Run) -> None:
    before, released = run.last_blocks
    assert before is not None, run.background_log
    assert released is None


def test_late_votes_of_others_are_aggregated(run: Run) -> None:
    voted_here = run.released(RUN_HERE) & run.observation.due
    assert len(voted_here) == len(RUN_HERE)
    assert voted_here <= run.observation.included.keys(), run.background_log


def test_nearly_all_sync_committee_votes_are_included(run: Run) -> None:
    due = {vote for vote in run.observation.sync_due if not run.is_released(vote)}
    included = len(due & run.observation.sync_included) / len(due)
    print(f"sync committee votes included: {included:.1%}")
    assert included >= 0.9, run.background_log


def test_head_events_arrive(run: Run) -> None:
    assert isinstance(run.events[0], StreamOpened)
    heads = {event.slot for event in run.events if isinstance(event, HeadEvent)}
    proposed = {slot for slot, proposer in run.observation.proposals.items() if proposer is not None}
    assert proposed <= heads


def test_a_refused_message_is_named_by_its_index(run: Run) -> None:
    assert [failure.index for failure in run.refusal.failures] == [0]


def test_missing_installation_names_make_setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSV_DEVNET_DIR", str(tmp_path))
    with pytest.raises(BeaconNodeError, match="make setup"):
        asyncio.run(start_beacon_node(BeaconNodeSettings(1), tmp_path / "log"))


def test_early_exit_gives_the_nodes_own_words(tmp_path: Path) -> None:
    with pytest.raises(BeaconNodeError, match="ended with code 2: --slot-ms must be"):
        asyncio.run(start_beacon_node(BeaconNodeSettings(1, slot_s=0), tmp_path / "log"))
