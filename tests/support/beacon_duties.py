"""The duties of a slot, done for every validator of the devnet's beacon chain through a worker's beacon port.

What is handed over is handed over twice where every operator of a committee would do it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from ssv_consensus.beacon_port import BeaconPort
from ssv_consensus.ports import Handed, handed
from ssv_devnet.interop import interop_secret_key
from ssv_ethereum.beacon.blocks import BlockContent
from ssv_ethereum.beacon.duties import AttesterDuty, SyncDuty
from ssv_ethereum.beacon.errors import BeaconRefused
from ssv_ethereum.beacon.node import BeaconNode
from ssv_ethereum.beacon.validators import ValidatorInfo
from ssv_ethereum.pool.pool import BeaconPool
from ssv_protocol.crypto.signing_root import (
    DOMAIN_AGGREGATE_AND_PROOF,
    DOMAIN_BEACON_ATTESTER,
    DOMAIN_BEACON_PROPOSER,
    DOMAIN_CONTRIBUTION_AND_PROOF,
    DOMAIN_RANDAO,
    DOMAIN_SELECTION_PROOF,
    DOMAIN_SYNC_COMMITTEE,
    DOMAIN_SYNC_COMMITTEE_SELECTION_PROOF,
    DOMAIN_VOLUNTARY_EXIT,
    compute_signing_root,
    uint64_root,
)
from ssv_protocol.effects import (
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
    Submit,
)
from ssv_protocol.runners.selection import is_sync_aggregator, subcommittee_of
from ssv_protocol.types.beacon.attestation import SignedElectraAggregateAndProof, SingleAttestation
from ssv_protocol.types.beacon.block_proposal import BlockProposal, SignedProposal
from ssv_protocol.types.beacon.exit import SignedVoluntaryExit, VoluntaryExit
from ssv_protocol.types.beacon.registration import SignedValidatorRegistration, ValidatorRegistration
from ssv_protocol.types.beacon.sync_committee import (
    ContributionAndProof,
    SignedContributionAndProof,
    SyncAggregatorSelectionData,
    SyncCommitteeMessage,
)
from ssv_protocol.types.ids import BlsSignature, Epoch, ExecutionAddress, Root, Slot, ValidatorIndex
from ssv_protocol.types.roles import BeaconRole

VALIDATORS = 64
EPOCH = Epoch(0)
GRAFFITI = b"ssv operator 3"
LEAVING = ValidatorIndex(7)
REGISTERED = ValidatorIndex(3)
_FEE_RECIPIENT = ExecutionAddress(b"\x0e" * 20)
_WRONG = BlsSignature(bytes([0xC0]) + bytes(95))
"""The point at infinity: well-formed, and nobody's signature."""


@dataclass
class Run:
    """What became of everything that was handed over."""

    handed: set[Handed] = field(default_factory=set)
    refused: set[Handed] = field(default_factory=set)
    forged: dict[BeaconRole, frozenset[Handed]] = field(default_factory=dict)
    without_builder: frozenset[Handed] = frozenset()
    attested: frozenset[ValidatorIndex] = frozenset()
    sync_duties: tuple[SyncDuty, ...] = ()
    committees: dict[int, tuple[ValidatorIndex, ...]] = field(default_factory=dict)
    leaving: ValidatorInfo | None = None
    missing_aggregate: BaseException | None = None
    missing_contribution: FetchedContribution | None = None
    proposers: dict[Slot, ValidatorIndex] = field(default_factory=dict)
    proposals: dict[Slot, BlockProposal] = field(default_factory=dict)
    contents: dict[Slot, BlockContent] = field(default_factory=dict)


class Duties:
    """Every kind of duty, by interop keys; `run` takes down what came of it."""

    def __init__(self, node: BeaconNode, pool: BeaconPool, run: Run) -> None:
        self.node = node
        self.chain = pool.chain
        self.run = run
        self.port = BeaconPort(pool, builder_boost_percent=0)
        self.exit = Submit()

    def sign(self, index: ValidatorIndex, root: Root, domain_type: bytes) -> BlsSignature:
        return interop_secret_key(index).sign(compute_signing_root(root, self.chain.domain(domain_type, EPOCH)))

    async def submit(self, slot: Slot, work: Submit) -> None:
        self.run.handed |= handed(work)
        self.run.refused |= await self.port.submit(slot, work)

    async def forge(self, slot: Slot, role: BeaconRole, work: Submit) -> None:
        self.run.forged[role] = await self.port.submit(slot, work)

    async def propose(self, slot: Slot, *, at_once: bool = False) -> None:
        """Hand over the block as four operators do: in full who has it so, otherwise as it was decided."""
        index = self.run.proposers[slot]
        reveal = self.sign(index, uint64_root(EPOCH), DOMAIN_RANDAO)
        fetched = await self.port.answer(FetchBlock(slot, reveal, GRAFFITI))
        assert isinstance(fetched, FetchedBlock)
        assert not fetched.proposal.blinded
        signature = self.sign(index, fetched.proposal.root(), DOMAIN_BEACON_PROPOSER)
        full = Submit(proposals=(SignedProposal(fetched.proposal, signature),))
        blinded = Submit(proposals=(SignedProposal(fetched.proposal.blind(), signature),))
        if at_once:
            await asyncio.gather(*(self.submit(slot, work) for work in (blinded, blinded, full, blinded)))
        else:
            for work in (full, blinded, full, blinded):
                await self.submit(slot, work)
        self.run.proposals[slot] = fetched.proposal

    async def attest(self, slot: Slot) -> tuple[AttesterDuty, ...]:
        indices = [ValidatorIndex(index) for index in range(VALIDATORS)]
        duties = tuple(d for d in (await self.node.duties.attester(EPOCH, indices)).duties if d.slot == slot)
        for committee in await self.node.duties.committees(EPOCH):
            if committee.slot == slot:
                self.run.committees[committee.index] = committee.members
        try:
            await self.port.answer(FetchAggregate(slot, duties[0].committee_index))
        except BeaconRefused as error:
            self.run.missing_aggregate = error
        fetched = await self.port.answer(FetchAttestationData(slot))
        assert isinstance(fetched, FetchedAttestationData)
        root = fetched.data.hash_tree_root()
        singles = [
            SingleAttestation(
                d.committee_index,
                d.validator_index,
                fetched.data,
                self.sign(d.validator_index, root, DOMAIN_BEACON_ATTESTER),
            )
            for d in duties
        ]
        self.run.attested = frozenset(d.validator_index for d in duties)
        bad = SingleAttestation(duties[0].committee_index, duties[0].validator_index, fetched.data, _WRONG)
        mixed = Submit(attesters=(duties[0].validator_index, duties[1].validator_index), attestations=(bad, singles[1]))
        await self.forge(slot, BeaconRole.ATTESTER, mixed)
        work = Submit(attesters=tuple(item.attester_index for item in singles), attestations=tuple(singles))
        await self.submit(slot, work)
        return duties

    async def aggregate(self, slot: Slot, duties: Iterable[AttesterDuty]) -> None:
        """Every committee is small, so every attester is an aggregator."""
        signed = []
        for committee_index, aggregator in {d.committee_index: d.validator_index for d in duties}.items():
            proof = self.sign(aggregator, uint64_root(slot), DOMAIN_SELECTION_PROOF)
            question = FetchAggregateAndProof(slot, committee_index, aggregator, proof)
            fetched = await self.port.answer(question)
            assert isinstance(fetched, FetchedAggregateAndProof)
            alone = await self.port.answer(FetchAggregate(slot, committee_index))
            assert isinstance(alone, FetchedAggregate)
            assert alone.aggregate == fetched.message.aggregate
            root = fetched.message.hash_tree_root()
            message = fetched.message.signed(self.sign(aggregator, root, DOMAIN_AGGREGATE_AND_PROOF))
            assert isinstance(message, SignedElectraAggregateAndProof)
            signed.append(message)
        await self.submit(slot, Submit(aggregates=tuple(signed)))
        await self.submit(slot, Submit(aggregates=tuple(signed)))

    async def vote_for_head(self, slot: Slot) -> Root:
        indices = [ValidatorIndex(index) for index in range(VALIDATORS)]
        self.run.sync_duties = await self.node.duties.sync(EPOCH, indices)
        fetched = await self.port.answer(FetchBlockRoot(slot))
        assert isinstance(fetched, FetchedBlockRoot)
        head = fetched.block_root
        missing = await self.port.answer(FetchContribution(slot, 0, head))
        assert isinstance(missing, FetchedContribution)
        self.run.missing_contribution = missing
        messages = tuple(
            SyncCommitteeMessage(
                slot, head, d.validator_index, self.sign(d.validator_index, head, DOMAIN_SYNC_COMMITTEE)
            )
            for d in self.run.sync_duties
        )
        await self.submit(slot, Submit(sync_messages=messages))
        return head

    async def contribute(self, slot: Slot, head: Root) -> None:
        selected: dict[int, tuple[ValidatorIndex, BlsSignature]] = {}
        for duty in self.run.sync_duties:
            for subcommittee in {subcommittee_of(position) for position in duty.positions} - selected.keys():
                root = SyncAggregatorSelectionData(slot, subcommittee).hash_tree_root()
                proof = self.sign(duty.validator_index, root, DOMAIN_SYNC_COMMITTEE_SELECTION_PROOF)
                if is_sync_aggregator(proof):
                    selected[subcommittee] = (duty.validator_index, proof)
        questions = tuple(FetchContribution(slot, subcommittee, head) for subcommittee in selected)
        proofs = tuple(proof for _, proof in selected.values())
        fetched = await self.port.answer(FetchContributions(questions, proofs))
        assert isinstance(fetched, FetchedContributions)
        assert len(fetched.contributions) == len(selected)
        signed = []
        for (index, _), item in zip(selected.values(), fetched.contributions, strict=True):
            message = ContributionAndProof(index, item.contribution, item.selection_proof)
            signature = self.sign(index, message.hash_tree_root(), DOMAIN_CONTRIBUTION_AND_PROOF)
            signed.append(SignedContributionAndProof(message, signature))
        await self.submit(slot, Submit(contributions=tuple(signed)))
        await self.submit(slot, Submit(contributions=tuple(signed)))

    async def leave(self, slot: Slot) -> None:
        leaving = VoluntaryExit(EPOCH, LEAVING)
        signature = self.sign(LEAVING, leaving.hash_tree_root(), DOMAIN_VOLUNTARY_EXIT)
        await self.forge(slot, BeaconRole.VOLUNTARY_EXIT, Submit(exits=(SignedVoluntaryExit(leaving, _WRONG),)))
        self.exit = Submit(exits=(SignedVoluntaryExit(leaving, signature),))
        await self.submit(slot, self.exit)
        assert [waiting.message for waiting in await self.node.exits.pool()] == [leaving]
        # The other operators hand over the same exit, which this node refuses.
        await self.submit(slot, self.exit)

    async def register(self, slot: Slot) -> None:
        """Without a builder the node refuses registrations."""
        key = interop_secret_key(REGISTERED).public_key()
        signed = SignedValidatorRegistration(ValidatorRegistration(_FEE_RECIPIENT, 36_000_000, 1, key), _WRONG)
        work = Submit(registrations=(signed,), registrants=(REGISTERED,))
        self.run.without_builder = await self.port.submit(slot, work)
