"""The devnet's real beacon node with the background validators: blocks come, votes land on chain.

Two whole epochs are counted. One group of validators is released for the second, so that the observer is seen
to tell votes that are missing from votes that are there.
"""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from ssv_devnet.background_validators.process import running_background_validators
from ssv_devnet.beacon_node import BeaconNodeError, BeaconNodeSettings, running_beacon_node, start_beacon_node
from ssv_devnet.observer import Observation, Observer
from ssv_ethereum.beacon.errors import BatchRefused
from ssv_ethereum.beacon.events import HeadEvent, StreamOpened, Topic
from ssv_ethereum.beacon.node import BeaconNode
from ssv_ethereum.slot_clock import SlotClock
from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.types.beacon.sync_committee import SyncCommitteeMessage
from ssv_protocol.types.ids import BlsSignature, Epoch, Root, Slot, ValidatorIndex

SLOT_S = 2
VALIDATORS = 256
GENESIS_DELAY_S = 12
FIRST_EPOCH, LAST_EPOCH = Epoch(1), Epoch(2)
RELEASED = tuple(ValidatorIndex(index) for index in range(16, 32))
SLOTS_FOR_INCLUSION = 2


@dataclass
class Run:
    """What two epochs of a real chain looked like."""

    chain: BeaconChain
    observation: Observation
    events: list[object]
    refusal: BatchRefused
    background_log: str

    @property
    def included_share(self) -> float:
        kept = {vote for vote in self.observation.due if not self.is_released(vote)}
        return len(kept & self.observation.included.keys()) / len(kept)

    def is_released(self, vote: tuple[Slot, ValidatorIndex]) -> bool:
        return vote[1] in RELEASED and self.chain.epoch_of(vote[0]) == LAST_EPOCH


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return asyncio.run(_run(tmp_path_factory.mktemp("beacon")))


async def _run(folder: Path) -> Run:
    settings = BeaconNodeSettings(int(time.time()) + GENESIS_DELAY_S, SLOT_S, VALIDATORS)
    background_log = folder / "background.log"
    async with (
        running_beacon_node(settings, folder / "beacon.log") as running,
        running_background_validators(running.url, VALIDATORS, background_log) as background,
        BeaconNode(running.url) as node,
    ):
        await node.status.wait_until_ready()
        chain = await node.chain.describe()
        clock = SlotClock(chain)
        await background.release(RELEASED, LAST_EPOCH)
        events: list[object] = []
        listening = asyncio.create_task(_collect(node, events))
        observer = Observer(node, chain, map(ValidatorIndex, range(VALIDATORS)))
        first, last = chain.first_slot(FIRST_EPOCH), Slot(chain.first_slot(Epoch(LAST_EPOCH + 1)) - 1)
        async for slot in clock.ticks():
            # After the block of this slot, and before the next one.
            await clock.wait_for_slot(slot, 5 * chain.slot_duration_s / 6)
            await observer.advance(slot)
            if slot == last + SLOTS_FOR_INCLUSION:
                break
        message = SyncCommitteeMessage(slot, Root(bytes(32)), ValidatorIndex(0), BlsSignature(bytes(96)))
        with pytest.raises(BatchRefused) as refused:
            await node.sync_committee.submit_messages([message])
        listening.cancel()
        log = background_log.read_text()
        return Run(chain, observer.observation(first, last), events, refused.value, log)


async def _collect(node: BeaconNode, events: list[object]) -> None:
    async for event in node.events.listen([Topic.HEAD]):
        events.append(event)


def test_the_chain_is_as_configured(run: Run) -> None:
    assert (run.chain.slot_duration_s, run.chain.slots_per_epoch) == (SLOT_S, 8)


def test_blocks_in_every_slot_but_at_most_one(run: Run) -> None:
    assert len(run.observation.proposals) == 2 * run.chain.slots_per_epoch
    missed = [slot for slot, proposer in run.observation.proposals.items() if proposer is None]
    assert len(missed) <= 1, run.background_log


def test_nearly_all_attestations_are_included(run: Run) -> None:
    assert len(run.observation.due) == 2 * VALIDATORS
    print(f"included: {run.included_share:.1%}")
    assert run.included_share >= 0.95, run.background_log


def test_released_validators_do_not_vote(run: Run) -> None:
    released = {vote for vote in run.observation.due if run.is_released(vote)}
    assert len(released) == len(RELEASED)
    assert not released & run.observation.included.keys()
    sync_released = {vote for vote in run.observation.sync_included if run.is_released(vote)}
    assert not sync_released


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
