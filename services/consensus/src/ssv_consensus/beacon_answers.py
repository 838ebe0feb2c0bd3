"""What a beacon node answers to a duty's questions.

An aggregate is of attestation data, and which data that is, the node says. A block that comes late moves the head
between the votes, a third into the slot, and the aggregates, at two thirds: then the node's present answer is not what
was voted for. So everything that the node has named for a slot counts, and of several aggregates the one with the most
votes is taken.

Not guaranteed: that an answer is correct; the machine checks what it proposes. Questions about slots before Electra are
asked in the shape since then, and no node answers them.

Source: consensus-specs phase0/validator.md "Construct aggregate", altair/validator.md; beacon-APIs.
"""

from __future__ import annotations

import asyncio

from ssv_ethereum.beacon.errors import BeaconAnswerInvalid, BeaconRefused
from ssv_ethereum.beacon.node import BeaconNode
from ssv_protocol.beacon_chain import BeaconChain
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
    """The answers of one node; see `BeaconNodePort`."""

    def __init__(self, node: BeaconNode, chain: BeaconChain, *, builder_boost_percent: int | None = None) -> None:
        self._node = node
        self._chain = chain
        self._builder_boost_percent = builder_boost_percent
        self._named: dict[Slot, dict[Root, None]] = {}
        """Roots of the attestation data that the node has given, by slot."""

    async def answer(self, question: Fetch) -> Event:
        """Return the answer; raises SsvError when the node cannot say, an aggregate of no votes included."""
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
        data = await self._node.attestations.data(slot)
        for old in [known for known in self._named if known + _REMEMBERED_SLOTS < slot]:
            del self._named[old]
        self._named.setdefault(slot, {})[data.hash_tree_root()] = None
        return data

    async def _block(self, question: FetchBlock) -> BlockProposal:
        produced = await self._node.blocks.produce(
            question.slot,
            question.randao_reveal,
            question.graffiti,
            builder_boost_factor=self._builder_boost_percent,
            deadline_s=BLOCK_DEADLINE_IN_SLOTS * self._chain.slot_duration_s,
        )
        try:
            proposal = BlockProposal.decode(produced.fork, produced.ssz)
        except ProtocolError as error:
            raise self._invalid(f"block of slot {question.slot}", str(error)) from None
        if proposal.blinded != produced.is_blinded:
            raise self._invalid(f"block of slot {question.slot}", "header and body differ on whether it is blinded")
        return proposal

    async def _aggregate(self, slot: Slot, committee_index: int) -> ElectraAttestation:
        newest = (await self._attestation_data(slot)).hash_tree_root()
        found: list[ElectraAttestation] = []
        for root in {newest: None} | self._named[slot]:
            try:
                found.append(await self._node.attestations.aggregate(slot, root, committee_index))
            except BeaconRefused as error:
                if error.status != _NOT_FOUND:
                    raise
                missing = error
        if not found:
            raise missing
        return max(found, key=lambda aggregate: sum(aggregate.aggregation_bits))

    async def _head(self) -> Root:
        root = await self._node.blocks.root("head")
        if root is None:
            raise self._invalid("root of the head", "the node has no head")
        return root

    async def _contribution(self, question: FetchContribution) -> SyncCommitteeContribution | None:
        try:
            return await self._node.sync_committee.contribution(
                question.slot, question.subcommittee_index, question.block_root
            )
        except BeaconRefused as error:
            if error.status == _NOT_FOUND:
                return None
            raise

    async def _contributions(self, question: FetchContributions) -> tuple[Contribution, ...]:
        found = await asyncio.gather(*map(self._contribution, question.contributions))
        proven = zip(question.selection_proofs, found, strict=True)
        return tuple(Contribution(proof, contribution) for proof, contribution in proven if contribution is not None)

    def _invalid(self, request: str, problem: str) -> BeaconAnswerInvalid:
        return BeaconAnswerInvalid(self._node.endpoint, request, problem)
