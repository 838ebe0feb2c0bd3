"""The observer over a chain that is written by hand: one committee of three a slot, two slots an epoch."""

import asyncio
from types import SimpleNamespace
from typing import cast

import pytest

from ssv_devnet.observer import Observer, UnobservedEpoch
from ssv_ethereum.beacon.blocks import BlockAttestation, BlockContent, BlockVotes
from ssv_ethereum.beacon.duties import (
    AttesterDuties,
    AttesterDuty,
    BeaconCommittee,
    ProposerDuties,
    ProposerDuty,
    SyncDuty,
)
from ssv_ethereum.beacon.node import BeaconNode
from ssv_protocol.beacon_chain import BeaconChain, BeaconFork, ScheduledFork
from ssv_protocol.types.ids import BlsPublicKey, Epoch, ExecutionAddress, ForkVersion, Root, Slot, ValidatorIndex

ROOT, KEY = Root(bytes(32)), BlsPublicKey(bytes(48))
CHAIN = BeaconChain(
    genesis_time_s=0,
    genesis_validators_root=ROOT,
    slot_duration_s=6.0,
    slots_per_epoch=2,
    epochs_per_sync_committee_period=2,
    sync_committee_size=512,
    forks=(ScheduledFork(BeaconFork.FULU, ForkVersion(bytes(4)), Epoch(0)),),
)
MEMBERS = tuple(map(ValidatorIndex, (7, 8, 9)))
OURS = tuple(map(ValidatorIndex, (7, 9)))


class Chain:
    """What a node would answer; `votes` is bits by slot of the vote, `blocks` what is in each block."""

    def __init__(self) -> None:
        self.blocks: dict[int, BlockContent] = {}
        self.asked: list[int] = []
        self.roots_asked: list[int] = []

    def node(self) -> BeaconNode:
        duties = SimpleNamespace(
            committees=self._committees, attester=self._attester, proposer=self._proposer, sync=self._sync
        )
        blocks = SimpleNamespace(content=self._content, root=self._root)
        return cast(BeaconNode, SimpleNamespace(duties=duties, blocks=blocks))

    def block(
        self,
        slot: int,
        votes: dict[int, int],
        sync_bits: int = 0,
        proposer: int | None = None,
        exits: tuple[int, ...] = (),
    ) -> None:
        """Put a block at `slot` with an aggregate for each slot of `votes`, given as three bits."""
        attestations = tuple(
            BlockAttestation(Slot(voted), b"\x01" + bytes(7), bytes([bits | 0b1000])) for voted, bits in votes.items()
        )
        index = ValidatorIndex(slot + 100 if proposer is None else proposer)
        content = BlockVotes(Slot(slot), index, ROOT, attestations, bytes([sync_bits]) + bytes(63))
        leaving = tuple(map(ValidatorIndex, exits))
        self.blocks[slot] = BlockContent(content, bytes(32), leaving, ExecutionAddress(bytes(20)), bytes(32))

    async def _committees(self, epoch: Epoch) -> tuple[BeaconCommittee, ...]:
        return tuple(BeaconCommittee(Slot(2 * epoch + place), 0, MEMBERS) for place in range(2))

    async def _attester(self, epoch: Epoch, indices: tuple[ValidatorIndex, ...]) -> AttesterDuties:
        # Ours attest in the first slot of every epoch only.
        slot = Slot(2 * epoch)
        duties = [AttesterDuty(slot, index, KEY, 0, 3, 1, MEMBERS.index(index)) for index in indices]
        return AttesterDuties(ROOT, tuple(duties))

    async def _proposer(self, epoch: Epoch) -> ProposerDuties:
        # One of ours has the second slot of every epoch, a stranger the first.
        turns = ((2 * epoch, 8), (2 * epoch + 1, 9))
        return ProposerDuties(ROOT, tuple(ProposerDuty(Slot(slot), ValidatorIndex(i), KEY) for slot, i in turns))

    async def _sync(self, epoch: Epoch, indices: tuple[ValidatorIndex, ...]) -> tuple[SyncDuty, ...]:
        # Seat 0 in even periods, seat 1 in odd ones.
        seat = CHAIN.sync_period_of(epoch) % 2
        return tuple(SyncDuty(index, KEY, (seat,)) for index in indices if index == 7)

    async def _content(self, slot: Slot) -> BlockContent | None:
        self.asked.append(slot)
        return self.blocks.get(slot)

    async def _root(self, slot: Slot) -> Root | None:
        self.roots_asked.append(slot)
        return Root(bytes([slot]) * 32) if slot in self.blocks else None


def observed(chain: Chain, slots: range) -> Observer:
    async def scenario() -> Observer:
        observer = Observer(chain.node(), CHAIN, OURS)
        for slot in slots:
            await observer.advance(Slot(slot))
        return observer

    return asyncio.run(scenario())


def test_due_and_included_are_counted_apart() -> None:
    chain = Chain()
    chain.block(1, {0: 0b111})
    chain.block(3, {2: 0b001})  # 7 only
    chain.block(4, {2: 0b011})  # 7 again, and 8 who is not ours
    observation = observed(chain, range(6)).observation(Slot(0), Slot(3))
    assert observation.due == {(0, 7), (0, 9), (2, 7), (2, 9)}
    assert observation.included == {(0, 7): 1, (0, 9): 1, (2, 7): 3}
    assert observation.proposals == {0: None, 1: 101, 2: None, 3: 103}


def test_votes_outside_the_window_do_not_count() -> None:
    chain = Chain()
    chain.block(1, {0: 0b111})
    chain.block(5, {4: 0b111})
    observation = observed(chain, range(6)).observation(Slot(2), Slot(3))
    assert observation.due == {(2, 7), (2, 9)}
    assert observation.included == {}


def test_a_block_that_is_replaced_is_read_anew() -> None:
    chain = Chain()

    async def scenario() -> Observer:
        observer = Observer(chain.node(), CHAIN, OURS)
        chain.block(1, {0: 0b111})
        await observer.advance(Slot(0))
        await observer.advance(Slot(1))
        del chain.blocks[1]
        chain.block(2, {0: 0b001})
        await observer.advance(Slot(2))
        return observer

    observation = asyncio.run(scenario()).observation(Slot(0), Slot(1))
    assert observation.included == {(0, 7): 2}
    assert observation.proposals[Slot(1)] is None


def test_settled_blocks_are_read_no_more_and_gaps_are_filled() -> None:
    chain = Chain()

    async def scenario() -> None:
        observer = Observer(chain.node(), CHAIN, OURS)
        for slot in (10, 11, 12, 13, 14):
            await observer.advance(Slot(slot))
        chain.asked.clear()
        await observer.advance(Slot(18))

    asyncio.run(scenario())
    assert chain.asked == list(range(11, 19))


def test_sync_votes_count_for_the_slot_before_their_block() -> None:
    chain = Chain()
    chain.block(2, {}, sync_bits=0b01)
    chain.block(3, {}, sync_bits=0b10)
    chain.block(4, {}, sync_bits=0b10)  # the new period's committee: seat 1
    observation = observed(chain, range(6)).observation(Slot(1), Slot(4))
    assert observation.sync_due == {(1, 7), (2, 7), (3, 7), (4, 7)}
    assert observation.sync_included == {(1, 7), (3, 7)}


def test_a_proposal_is_made_by_the_one_whose_turn_it_is() -> None:
    chain = Chain()
    chain.block(1, {}, proposer=9)
    chain.block(2, {}, proposer=8)
    chain.block(3, {}, proposer=7)  # ours, but not its turn
    observation = observed(chain, range(6)).observation(Slot(0), Slot(5))
    assert observation.proposals_due == {(1, 9), (3, 9), (5, 9)}
    assert observation.proposals_made == {(1, 9)}


def test_roots_are_learnt_of_own_blocks_only_and_forgotten_with_them() -> None:
    chain = Chain()

    async def scenario() -> Observer:
        observer = Observer(chain.node(), CHAIN, OURS)
        chain.block(0, {}, proposer=8)
        chain.block(1, {}, proposer=9)
        await observer.advance(Slot(1))
        chain.block(2, {}, proposer=9)
        await observer.advance(Slot(2))
        del chain.blocks[1]
        await observer.advance(Slot(3))
        return observer

    observation = asyncio.run(scenario()).observation(Slot(0), Slot(3))
    assert observation.own_roots == {2: bytes([2]) * 32}
    assert set(chain.roots_asked) == {1, 2}


def test_an_exit_is_seen_in_the_first_block_that_holds_it() -> None:
    chain = Chain()
    chain.block(2, {}, exits=(8,))
    chain.block(3, {}, exits=(7,))
    observation = observed(chain, range(6)).observation(Slot(0), Slot(1))
    assert observation.exits == {7: 3}  # 8 is a stranger; the block may lie outside of the window


def test_nothing_is_claimed_about_an_epoch_nobody_watched() -> None:
    observer = observed(Chain(), range(2))
    with pytest.raises(UnobservedEpoch, match=r"\[1\]"):
        observer.observation(Slot(0), Slot(2))


def test_bits_that_contradict_the_committees_are_an_error() -> None:
    chain = Chain()
    chain.block(1, {0: 0b11_0000})
    with pytest.raises(ValueError, match="bits for 3 members"):
        observed(chain, range(2)).observation(Slot(0), Slot(0))
