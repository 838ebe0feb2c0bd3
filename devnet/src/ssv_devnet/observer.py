"""What landed on chain, measured independently of every operator.

The observer asks the beacon node alone: its duties say what is due, the bits of its blocks say what was included.
`advance` is called once a slot; it keeps duties and settled blocks, and reads the newest blocks anew because they may
still be replaced. `observation` is then arithmetic over what is kept.

Invariant: a vote counts as included only if its bit is set in a block of the chain that the node has as canonical.

Not guaranteed: an answer about epochs in which `advance` was not called: nodes tell committees only near the head.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from ssv_devnet.inclusion import attesters, sync_voters
from ssv_ethereum.beacon.blocks import BlockVotes
from ssv_ethereum.beacon.duties import SyncDuty
from ssv_ethereum.beacon.node import BeaconNode
from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.errors import SsvError
from ssv_protocol.types.ids import Epoch, Slot, ValidatorIndex

Vote = tuple[Slot, ValidatorIndex]
"""The slot that a validator voted in, and the validator."""
_UNSETTLED_SLOTS = 3


@dataclass(frozen=True, slots=True)
class Observation:
    """What was due and what was included, for votes of `first_slot` … `last_slot`.

    `included` gives for each vote the slot of the earliest block that holds it. `proposals` gives each slot's
    proposer, or None where there is no block. Sync committee votes are due in every slot, also where no block
    follows that could hold them.
    """

    first_slot: Slot
    last_slot: Slot
    due: frozenset[Vote]
    included: dict[Vote, Slot]
    proposals: dict[Slot, ValidatorIndex | None]
    sync_due: frozenset[Vote]
    sync_included: frozenset[Vote]


class UnobservedEpoch(SsvError):
    """What was due in an epoch is not known, so nothing may be claimed about it."""


class Observer:
    """Watches the validators `indices` through one beacon node."""

    def __init__(self, node: BeaconNode, chain: BeaconChain, indices: Iterable[ValidatorIndex]) -> None:
        self._node = node
        self._chain = chain
        self._indices = tuple(indices)
        self._due: dict[Epoch, frozenset[Vote]] = {}
        self._committees: dict[Slot, dict[int, tuple[ValidatorIndex, ...]]] = defaultdict(dict)
        self._sync_duties: dict[int, tuple[SyncDuty, ...]] = {}
        self._blocks: dict[Slot, BlockVotes | None] = {}
        self._unsettled_from: Slot | None = None

    async def advance(self, slot: Slot) -> None:
        """Read what is new up to `slot`, which runs now. Raises BeaconError; may be called again then."""
        await self._learn_duties(self._chain.epoch_of(slot))
        # A vote of the last slot before a period begins is counted by the period's new committee.
        await self._learn_sync_duties(self._chain.epoch_of(Slot(slot + 1)))
        first = slot if self._unsettled_from is None else self._unsettled_from
        for unsettled in map(Slot, range(first, slot + 1)):
            self._blocks[unsettled] = await self._node.blocks.votes(unsettled)
        self._unsettled_from = Slot(max(first, slot - _UNSETTLED_SLOTS))

    def observation(self, first_slot: Slot, last_slot: Slot) -> Observation:
        """Return what is known of the votes of `first_slot` … `last_slot`.

        Raises:
            UnobservedEpoch: nobody called `advance` in an epoch of the window, so what was due in it is not known.
            ValueError: a block's bits contradict the committees that the node told.
        """
        window = range(first_slot, last_slot + 1)
        epochs = range(self._chain.epoch_of(first_slot), self._chain.epoch_of(last_slot) + 1)
        if unobserved := [epoch for epoch in epochs if epoch not in self._due]:
            raise UnobservedEpoch(f"the observer was not there in epochs {unobserved}")
        due = frozenset(vote for votes in self._due.values() for vote in votes if vote[0] in window)
        return Observation(
            first_slot,
            last_slot,
            due,
            self._included(window, due),
            {Slot(slot): self._proposer(Slot(slot)) for slot in window if slot in self._blocks},
            *self._sync_votes(window),
        )

    def _included(self, window: range, due: frozenset[Vote]) -> dict[Vote, Slot]:
        included: dict[Vote, Slot] = {}
        for block_slot in sorted(self._blocks):
            block = self._blocks[block_slot]
            for attestation in block.attestations if block else ():
                if attestation.slot not in window or attestation.slot not in self._committees:
                    continue
                for index in attesters(attestation, self._committees[attestation.slot]):
                    vote = (attestation.slot, index)
                    if vote in due:
                        included.setdefault(vote, block_slot)
        return included

    def _sync_votes(self, window: range) -> tuple[frozenset[Vote], frozenset[Vote]]:
        due: set[Vote] = set()
        included: set[Vote] = set()
        for slot in map(Slot, window):
            period = self._chain.sync_period_of(self._chain.epoch_of(Slot(slot + 1)))
            duties = self._sync_duties.get(period, ())
            due |= {(slot, duty.validator_index) for duty in duties}
            block = self._blocks.get(Slot(slot + 1))
            if block is not None:
                included |= {(slot, index) for index in sync_voters(block.sync_bits, duties)}
        return frozenset(due), frozenset(included)

    def _proposer(self, slot: Slot) -> ValidatorIndex | None:
        block = self._blocks[slot]
        return block.proposer_index if block else None

    async def _learn_duties(self, epoch: Epoch) -> None:
        if epoch in self._due:
            return
        for committee in await self._node.duties.committees(epoch):
            self._committees[committee.slot][committee.index] = committee.members
        answer = await self._node.duties.attester(epoch, self._indices)
        self._due[epoch] = frozenset((duty.slot, duty.validator_index) for duty in answer.duties)

    async def _learn_sync_duties(self, epoch: Epoch) -> None:
        period = self._chain.sync_period_of(epoch)
        if period not in self._sync_duties:
            self._sync_duties[period] = await self._node.duties.sync(epoch, self._indices)
