"""What landed on chain, measured independently of every operator.

The observer asks the beacon node alone: its duties say what is due, its blocks say what was included.
`advance` is called once a slot; it keeps duties and settled blocks, and reads the newest blocks anew because they may
still be replaced. `observation` is then arithmetic over what is kept.

Invariant: a vote counts as included only if its bit is set in a block of the chain that the node has as canonical.

Not guaranteed: an answer about epochs in which `advance` was not called: nodes tell committees only near the head.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from ssv_ethereum.beacon.blocks import BlockContent
from ssv_ethereum.beacon.duties import AttesterDuty, SyncDuty
from ssv_ethereum.beacon.inclusion import attesters, sync_voters
from ssv_ethereum.beacon.node import BeaconNode
from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.errors import SsvError
from ssv_protocol.types.ids import Epoch, Root, Slot, ValidatorIndex

Vote = tuple[Slot, ValidatorIndex]
"""The slot that a validator voted in, or whose block it proposes, and the validator."""
_UNSETTLED_SLOTS = 3


@dataclass(frozen=True, slots=True)
class Observation:
    """What was due and what was included, for duties of `first_slot` … `last_slot`.

    `included` gives for each vote the slot of the earliest block that holds it. `blocks` has None where there is no
    block; `own_roots` are the roots of blocks by watched validators, whose turns are `proposals_due`. Sync committee
    votes are due in every slot, also where no block follows that could hold them. `exits` gives each watched validator
    the slot of the block, of any that was read, that holds its voluntary exit.
    """

    first_slot: Slot
    last_slot: Slot
    due: frozenset[Vote]
    included: dict[Vote, Slot]
    blocks: dict[Slot, BlockContent | None]
    sync_due: frozenset[Vote]
    sync_included: frozenset[Vote]
    proposals_due: frozenset[Vote] = frozenset()
    own_roots: dict[Slot, Root] = field(default_factory=dict)
    exits: dict[ValidatorIndex, Slot] = field(default_factory=dict)
    attester_duties: tuple[AttesterDuty, ...] = ()
    sync_duties: dict[Slot, tuple[SyncDuty, ...]] = field(default_factory=dict)

    @property
    def proposals(self) -> dict[Slot, ValidatorIndex | None]:
        """Who proposed each slot's block."""
        return {slot: block.votes.proposer_index if block else None for slot, block in self.blocks.items()}

    @property
    def proposals_made(self) -> frozenset[Vote]:
        """The due proposals whose block is in the chain."""
        proposers = self.proposals
        return frozenset(vote for vote in self.proposals_due if proposers.get(vote[0]) == vote[1])


class UnobservedEpoch(SsvError):
    """What was due in an epoch is not known, so nothing may be claimed about it."""


class Observer:
    """Watches the validators `indices` through one beacon node."""

    def __init__(self, node: BeaconNode, chain: BeaconChain, indices: Iterable[ValidatorIndex]) -> None:
        self._node = node
        self._chain = chain
        self._indices = tuple(indices)
        self._due: dict[Epoch, tuple[AttesterDuty, ...]] = {}
        self._proposals_due: set[Vote] = set()
        self._committees: dict[Slot, dict[int, tuple[ValidatorIndex, ...]]] = defaultdict(dict)
        self._sync_duties: dict[int, tuple[SyncDuty, ...]] = {}
        self._blocks: dict[Slot, BlockContent | None] = {}
        self._own_roots: dict[Slot, Root] = {}
        self._unsettled_from: Slot | None = None

    async def advance(self, slot: Slot) -> None:
        """Read what is new up to `slot`, which runs now. Raises BeaconError; may be called again then."""
        await self._learn_duties(self._chain.epoch_of(slot))
        # A vote of the last slot before a period begins is counted by the period's new committee.
        await self._learn_sync_duties(self._chain.epoch_of(Slot(slot + 1)))
        first = slot if self._unsettled_from is None else self._unsettled_from
        for unsettled in map(Slot, range(first, slot + 1)):
            await self._read_block(unsettled)
        self._unsettled_from = Slot(max(first, slot - _UNSETTLED_SLOTS))

    def observation(self, first_slot: Slot, last_slot: Slot) -> Observation:
        """Return what is known of the duties of `first_slot` … `last_slot`.

        Raises:
            UnobservedEpoch: nobody called `advance` in an epoch of the window, so what was due in it is not known.
            ValueError: a block's bits contradict the committees that the node told.
        """
        window = range(first_slot, last_slot + 1)
        epochs = range(self._chain.epoch_of(first_slot), self._chain.epoch_of(last_slot) + 1)
        if unobserved := [epoch for epoch in epochs if epoch not in self._due]:
            raise UnobservedEpoch(f"the observer was not there in epochs {unobserved}")
        duties = tuple(duty for of_epoch in self._due.values() for duty in of_epoch if duty.slot in window)
        due = frozenset((duty.slot, duty.validator_index) for duty in duties)
        sync_duties = {slot: self._sync_duties_of(slot) for slot in map(Slot, window)}
        return Observation(
            first_slot,
            last_slot,
            due,
            self._included(window, due),
            {Slot(slot): self._blocks[Slot(slot)] for slot in window if slot in self._blocks},
            frozenset((slot, duty.validator_index) for slot, seats in sync_duties.items() for duty in seats),
            frozenset(self._sync_included(sync_duties)),
            frozenset(vote for vote in self._proposals_due if vote[0] in window),
            {slot: root for slot, root in self._own_roots.items() if slot in window},
            self._exits(),
            duties,
            sync_duties,
        )

    def _included(self, window: range, due: frozenset[Vote]) -> dict[Vote, Slot]:
        included: dict[Vote, Slot] = {}
        for block_slot in sorted(self._blocks):
            block = self._blocks[block_slot]
            for attestation in block.votes.attestations if block else ():
                if attestation.slot not in window or attestation.slot not in self._committees:
                    continue
                for index in attesters(attestation, self._committees[attestation.slot]):
                    vote = (attestation.slot, index)
                    if vote in due:
                        included.setdefault(vote, block_slot)
        return included

    def _sync_duties_of(self, slot: Slot) -> tuple[SyncDuty, ...]:
        period = self._chain.sync_period_of(self._chain.epoch_of(Slot(slot + 1)))
        return self._sync_duties.get(period, ())

    def _sync_included(self, duties: dict[Slot, tuple[SyncDuty, ...]]) -> set[Vote]:
        included: set[Vote] = set()
        for slot, seats in duties.items():
            block = self._blocks.get(Slot(slot + 1))
            if block is not None:
                included |= {(slot, index) for index in sync_voters(block.votes.sync_bits, seats)}
        return included

    def _exits(self) -> dict[ValidatorIndex, Slot]:
        found: dict[ValidatorIndex, Slot] = {}
        for slot in sorted(self._blocks):
            block = self._blocks[slot]
            for index in block.exits if block else ():
                if index in self._indices:
                    found.setdefault(index, slot)
        return found

    async def _read_block(self, slot: Slot) -> None:
        block = await self._node.blocks.content(slot)
        root = None
        if block is not None and block.votes.proposer_index in self._indices:
            root = await self._node.blocks.root(slot)
        self._blocks[slot] = block
        self._own_roots.pop(slot, None)
        if root is not None:
            self._own_roots[slot] = root

    async def _learn_duties(self, epoch: Epoch) -> None:
        if epoch in self._due:
            return
        for committee in await self._node.duties.committees(epoch):
            self._committees[committee.slot][committee.index] = committee.members
        answer = await self._node.duties.attester(epoch, self._indices)
        proposers = await self._node.duties.proposer(epoch)
        self._proposals_due |= {
            (duty.slot, duty.validator_index) for duty in proposers.duties if duty.validator_index in self._indices
        }
        self._due[epoch] = answer.duties

    async def _learn_sync_duties(self, epoch: Epoch) -> None:
        period = self._chain.sync_period_of(epoch)
        if period not in self._sync_duties:
            self._sync_duties[period] = await self._node.duties.sync(epoch, self._indices)
