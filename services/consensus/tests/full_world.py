"""A made-up chain with every kind of duty, and the judge of what is handed over: every signature is verified.

In each even slot somebody proposes, in each odd one somebody registers; in `exit_slot` one validator exits. Whoever
attests is selected to aggregate (its beacon committee has one member); one validator has a seat in each subcommittee.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from hashlib import sha256

from libs.protocol.tests.types.zeros import zero

from ssv_consensus.due_duties import SlotDuties, due_duties
from ssv_consensus.ports import Handed
from ssv_devnet.simulation.chain import SimulatedChain
from ssv_protocol.beacon_chain import BeaconFork
from ssv_protocol.crypto import bls
from ssv_protocol.crypto.signing_root import (
    DOMAIN_AGGREGATE_AND_PROOF,
    DOMAIN_APPLICATION_BUILDER,
    DOMAIN_BEACON_PROPOSER,
    DOMAIN_CONTRIBUTION_AND_PROOF,
    DOMAIN_RANDAO,
    DOMAIN_SELECTION_PROOF,
    DOMAIN_VOLUNTARY_EXIT,
    compute_signing_root,
    uint64_root,
)
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
    Submit,
)
from ssv_protocol.forks import Network
from ssv_protocol.runners.runner import Duty
from ssv_protocol.types.beacon import electra, fulu
from ssv_protocol.types.beacon.attestation import ElectraAggregateAndProof, ElectraAttestation
from ssv_protocol.types.beacon.block_proposal import BlockProposal
from ssv_protocol.types.beacon.sync_committee import SyncCommitteeContribution
from ssv_protocol.types.contributions import Contribution
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import BlsSignature, ExecutionAddress, Root, Slot, ValidatorIndex
from ssv_protocol.types.roles import BeaconRole

SEATS = (0, 128, 256, 384)


@dataclass
class FullWorld:
    """Duties, answers and judgement. `done` has the slots in which something valid was handed over; an exit's and a
    registration's slot is the first of its epoch."""

    world: SimulatedChain
    network: Network
    exit_slot: Slot | None = None
    done: dict[BeaconRole, set[tuple[Slot, ValidatorIndex]]] = field(default_factory=lambda: defaultdict(set))
    blocks: dict[Slot, list[BlockProposal]] = field(default_factory=lambda: defaultdict(list))
    fee_recipients: set[ExecutionAddress] = field(default_factory=set)

    def proposer_at(self, slot: Slot) -> ValidatorIndex:
        indices = sorted(self.world.validators)
        return indices[slot // 2 % len(indices)]

    @property
    def leaver(self) -> ValidatorIndex:
        return max(self.world.validators)

    async def listed(self, slot: Slot) -> SlotDuties:
        duty = await self.world.committee_duty(slot)
        votes = duty.validator_duties if duty is not None else ()
        own = [self._own(BeaconRole.VALIDATOR_REGISTRATION if slot % 2 else BeaconRole.PROPOSER, slot)]
        if slot == self.exit_slot:
            own.append(replace(self._own(BeaconRole.VOLUNTARY_EXIT, slot, self.leaver)))
        return SlotDuties(
            slot,
            tuple(
                replace(each, committee_length=1, validator_committee_index=0)
                for each in votes
                if each.type == BeaconRole.ATTESTER
            ),
            tuple(
                replace(each, validator_sync_committee_indices=SEATS)
                for each in votes
                if each.type == BeaconRole.SYNC_COMMITTEE
            ),
            tuple(own),
        )

    async def duties(self, slot: Slot) -> tuple[Duty, ...]:
        return due_duties(await self.listed(slot), self.network.ssv_fork_at(slot))

    async def answer(self, question: Fetch) -> Event:
        match question:
            case FetchAttestationData(slot):
                return FetchedAttestationData(self.world.attestation_data(slot))
            case FetchBlock(slot, reveal, graffiti):
                return FetchedBlock(question, self.block(slot, reveal, graffiti))
            case FetchAggregate(slot, committee_index):
                return FetchedAggregate(question, self.aggregate(slot, committee_index))
            case FetchAggregateAndProof(slot, committee_index, index, proof):
                aggregate = self.aggregate(slot, committee_index)
                return FetchedAggregateAndProof(question, ElectraAggregateAndProof(index, aggregate, proof))
            case FetchBlockRoot(slot):
                return FetchedBlockRoot(question, self.head(slot))
            case FetchContribution(slot, subcommittee, root):
                return FetchedContribution(question, self.contribution(slot, subcommittee, root))
            case FetchContributions(contributions, proofs):
                made = [
                    self.contribution(each.slot, each.subcommittee_index, each.block_root) for each in contributions
                ]
                return FetchedContributions(question, tuple(map(Contribution, proofs, made)))

    async def submit(self, slot: Slot, work: Submit) -> frozenset[Handed]:
        return self.take(work)

    # what there is on the chain

    def head(self, slot: Slot) -> Root:
        return Root(sha256(f"head of {slot}".encode()).digest())

    def block(self, slot: Slot, reveal: BlsSignature, graffiti: bytes) -> BlockProposal:
        """Build a full block with a blob; nobody but the proposer's committee can have made the reveal."""
        proposer, epoch = self.proposer_at(slot), self.world.chain.epoch_of(slot)
        assert self._is_signed(proposer, uint64_root(epoch), DOMAIN_RANDAO, slot, reveal)
        body = zero(electra.BeaconBlockBody, randao_reveal=reveal, graffiti=graffiti)
        block = zero(electra.BeaconBlock, slot=slot, proposer_index=proposer, body=body)
        return BlockProposal(BeaconFork.FULU, fulu.BlockContents(block, (bytes(48),), (b"\x01" * 131072,)))

    def aggregate(self, slot: Slot, committee_index: int) -> ElectraAttestation:
        bits = tuple(place == committee_index for place in range(64))
        data = self.world.attestation_data(slot)
        return ElectraAttestation((True,), data, BlsSignature(bytes(96)), bits)

    def contribution(self, slot: Slot, subcommittee: int, block_root: Root) -> SyncCommitteeContribution:
        return zero(SyncCommitteeContribution, slot=slot, subcommittee_index=subcommittee, beacon_block_root=block_root)

    # what is handed over

    def take(self, work: Submit) -> frozenset[Handed]:
        """Return what is refused."""
        refused = {(BeaconRole.ATTESTER, index) for index in self.world.take(work)}
        for signed in work.proposals:
            block = signed.proposal.block
            self.blocks[block.slot].append(signed.proposal)
            self._judge(
                BeaconRole.PROPOSER,
                block.slot,
                block.proposer_index,
                signed.proposal.root(),
                DOMAIN_BEACON_PROPOSER,
                signed.signature,
            )
        for aggregate in work.aggregates:
            message, slot = aggregate.message, aggregate.message.aggregate.data.slot
            index, proof = message.aggregator_index, message.selection_proof
            assert self._is_signed(index, uint64_root(slot), DOMAIN_SELECTION_PROOF, slot, proof)
            root = message.hash_tree_root()
            self._judge(BeaconRole.AGGREGATOR, slot, index, root, DOMAIN_AGGREGATE_AND_PROOF, aggregate.signature)
        for contribution in work.contributions:
            slot, index = contribution.message.contribution.slot, contribution.message.aggregator_index
            root, role = contribution.message.hash_tree_root(), BeaconRole.SYNC_COMMITTEE_CONTRIBUTION
            self._judge(role, slot, index, root, DOMAIN_CONTRIBUTION_AND_PROOF, contribution.signature)
        for registration in work.registrations:
            message_ = registration.message
            index = next(index for index, key in self.world.validators.items() if key == message_.pubkey)
            slot = self.world.chain.slot_at(message_.timestamp)  # type: ignore[arg-type]
            root, role = message_.hash_tree_root(), BeaconRole.VALIDATOR_REGISTRATION
            self.fee_recipients.add(message_.fee_recipient)
            self._judge(role, slot, index, root, DOMAIN_APPLICATION_BUILDER, registration.signature)
        for leaving in work.exits:
            slot, index = self.world.chain.first_slot(leaving.message.epoch), leaving.message.validator_index
            root, role = leaving.message.hash_tree_root(), BeaconRole.VOLUNTARY_EXIT
            self._judge(role, slot, index, root, DOMAIN_VOLUNTARY_EXIT, leaving.signature)
        return frozenset(refused)

    def _own(self, role: BeaconRole, slot: Slot, index: ValidatorIndex | None = None) -> ValidatorDuty:
        index = self.proposer_at(slot) if index is None else index
        return ValidatorDuty(role, self.world.validators[index], slot, index)

    def _judge(
        self, role: BeaconRole, slot: Slot, index: ValidatorIndex, root: Root, kind: bytes, signature: BlsSignature
    ) -> None:
        if self._is_signed(index, root, kind, slot, signature):
            self.done[role].add((slot, index))
        else:
            self.world.invalid.append(f"{role.name} of validator {index} in slot {slot}")

    def _is_signed(self, index: ValidatorIndex, root: Root, kind: bytes, slot: Slot, signature: BlsSignature) -> bool:
        chain = self.world.chain
        signing_root = compute_signing_root(root, chain.domain(kind, chain.epoch_of(slot)))
        return bls.verify(self.world.validators[index], signing_root, signature)
