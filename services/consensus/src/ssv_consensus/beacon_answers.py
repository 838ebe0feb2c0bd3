"""What the beacon nodes answer to a duty's questions.

A question goes to the best node and, where that fails or is slow, to the next; a block is asked of all, and the first
one on the newest head is taken; attestation data is weighed; of aggregates and contributions the fullest one counts.

An aggregate is of attestation data, and which data that is, the nodes say. A block that comes late moves the head
between the votes, a third into the slot, and the aggregates, at two thirds: then the present answer is not what was
voted for. So everything that was named for a slot counts.

Not guaranteed: that an answer is correct; the machine checks what it proposes. Questions about slots before Electra are
asked in the shape since then, and no node answers them.

Source: consensus-specs phase0/validator.md "Construct aggregate", altair/validator.md; beacon-APIs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from ssv_ethereum.beacon.errors import BeaconAnswerInvalid, BeaconError, BeaconRefused
from ssv_ethereum.beacon.node import BeaconNode
from ssv_ethereum.pool.heads import Head, Heads
from ssv_ethereum.pool.pool import BeaconPool
from ssv_ethereum.pool.votes import Votes
from ssv_protocol.effects import (
    Event,
    Fetch,
    FetchAggregate,
    FetchAggregateAndProof,
    FetchAttestationData,
    FetchBlock,
    FetchBlockRoot,
    FetchContribution,
    FetchContributions,
    FetchedAggregate,
    FetchedAggregateAndProof,
    FetchedAttestationData,
    FetchedBlock,
    FetchedBlockRoot,
    FetchedContribution,
    FetchedContributions,
)
from ssv_protocol.errors import ProtocolError
from ssv_protocol.types.beacon.attestation import AttestationData, ElectraAggregateAndProof, ElectraAttestation
from ssv_protocol.types.beacon.block_proposal import BlockProposal
from ssv_protocol.types.beacon.sync_committee import SyncCommitteeContribution
from ssv_protocol.types.contributions import Contribution
from ssv_protocol.types.ids import Root, Slot

BLOCK_DEADLINE_IN_SLOTS = 1 / 3
"""How long a node may take to build a block, or to have its builder reveal one."""
_NOT_FOUND = 404
_REMEMBERED_SLOTS = 2


class BeaconAnswers:
    """The answers of a pool; see `BeaconPort`."""

    def __init__(self, pool: BeaconPool, *, builder_boost_percent: int | None = None) -> None:
        self._pool = pool
        self._votes = Votes(pool)
        self._heads = Heads(pool)
        self._builder_boost_percent = builder_boost_percent
        self._named: dict[Slot, dict[Root, None]] = {}
        """Roots of the attestation data that was voted for, by slot."""

    async def answer(self, question: Fetch) -> Event:
        """Return the answer; raises SsvError when no node can say, an aggregate of no votes included."""
        match question:
            case FetchAttestationData(slot):
                return FetchedAttestationData(await self._attestation_data(slot))
            case FetchBlock():
                return FetchedBlock(question, await self._block(question))
            case FetchAggregate(slot, committee_index):
                return FetchedAggregate(question, await self._aggregate(slot, committee_index))
            case FetchAggregateAndProof(slot, committee_index, aggregator_index, proof):
                aggregate = await self._aggregate(slot, committee_index)
                return FetchedAggregateAndProof(question, ElectraAggregateAndProof(aggregator_index, aggregate, proof))
            case FetchBlockRoot():
                return FetchedBlockRoot(question, await self._head())
            case FetchContribution():
                return FetchedContribution(question, await self._contribution(question))
            case FetchContributions():
                return FetchedContributions(question, await self._contributions(question))

    async def _attestation_data(self, slot: Slot) -> AttestationData:
        data = await self._votes.data(slot)
        for old in [known for known in self._named if known + _REMEMBERED_SLOTS < slot]:
            del self._named[old]
        self._named.setdefault(slot, {})[data.hash_tree_root()] = None
        return data

    async def _block(self, question: FetchBlock) -> BlockProposal:
        if len(self._pool.nodes) == 1:
            return await self._pool.first(lambda node: self._block_of(node, question))
        newest = asyncio.create_task(self._heads.newest())
        try:
            proposal, _ = await self._pool.race(
                lambda node: self._judged(node, question, newest), good=lambda answer: answer[1]
            )
            return proposal
        finally:
            newest.cancel()
            await asyncio.gather(newest, return_exceptions=True)

    async def _judged(
        self, node: BeaconNode, question: FetchBlock, newest: asyncio.Task[Head]
    ) -> tuple[BlockProposal, bool]:
        """Return the node's block, and whether nothing says that it is built on an older head than others have."""
        proposal = await self._block_of(node, question)
        try:
            head = await asyncio.shield(newest)
        except BeaconError:
            return proposal, True
        return proposal, not await self._heads.is_older(node, proposal.block.parent_root, head)

    async def _block_of(self, node: BeaconNode, question: FetchBlock) -> BlockProposal:
        request = f"block of slot {question.slot}"
        produced = await node.blocks.produce(
            question.slot,
            question.randao_reveal,
            question.graffiti,
            builder_boost_factor=self._builder_boost_percent,
            deadline_s=BLOCK_DEADLINE_IN_SLOTS * self._pool.chain.slot_duration_s,
        )
        try:
            proposal = BlockProposal.decode(produced.fork, produced.ssz)
        except ProtocolError as error:
            raise BeaconAnswerInvalid(node.endpoint, request, str(error)) from None
        if proposal.blinded != produced.is_blinded:
            raise BeaconAnswerInvalid(node.endpoint, request, "header and body differ on whether it is blinded")
        return proposal

    async def _aggregate(self, slot: Slot, committee_index: int) -> ElectraAttestation:
        newest = (await self._attestation_data(slot)).hash_tree_root()
        found: list[ElectraAttestation] = []
        for root in {newest: None} | self._named[slot]:
            try:
                found += await self._aggregates_of(slot, root, committee_index)
            except BeaconRefused as error:
                if error.status != _NOT_FOUND:
                    raise
                missing = error
        if not found:
            raise missing
        return max(found, key=lambda aggregate: sum(aggregate.aggregation_bits))

    async def _aggregates_of(self, slot: Slot, root: Root, committee_index: int) -> Iterable[ElectraAttestation]:
        answers = await self._pool.answers(lambda node: node.attestations.aggregate(slot, root, committee_index))
        return (aggregate for _, aggregate in answers)

    async def _head(self) -> Root:
        return (await self._heads.newest()).root

    async def _contribution(self, question: FetchContribution) -> SyncCommitteeContribution | None:
        try:
            answers = await self._pool.answers(
                lambda node: node.sync_committee.contribution(
                    question.slot, question.subcommittee_index, question.block_root
                )
            )
        except BeaconRefused as error:
            if error.status == _NOT_FOUND:
                return None
            raise
        return max((found for _, found in answers), key=lambda contribution: sum(contribution.aggregation_bits))

    async def _contributions(self, question: FetchContributions) -> tuple[Contribution, ...]:
        found = await asyncio.gather(*map(self._contribution, question.contributions))
        proven = zip(question.selection_proofs, found, strict=True)
        return tuple(Contribution(proof, contribution) for proof, contribution in proven if contribution is not None)
