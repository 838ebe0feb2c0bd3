"""What the operators' beacon nodes answer on the made-up chain, for every kind of duty; and what they are handed.

Each operator's node may see something else: a `view` is a number that all answers to one operator in one slot depend
on. Votes differ in the head alone, blocks are never the same for two views.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from hashlib import sha256

from ssv_devnet.simulation.chain import SimulatedChain
from ssv_devnet.simulation.machines.blocks import blinded_block
from ssv_protocol.crypto import bls
from ssv_protocol.crypto.signing_root import (
    DOMAIN_AGGREGATE_AND_PROOF,
    DOMAIN_BEACON_PROPOSER,
    DOMAIN_CONTRIBUTION_AND_PROOF,
    compute_signing_root,
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
from ssv_protocol.types.beacon.attestation import ElectraAggregateAndProof, ElectraAttestation
from ssv_protocol.types.beacon.preset import MAX_COMMITTEES_PER_SLOT, SYNC_SUBCOMMITTEE_SIZE
from ssv_protocol.types.beacon.sync_committee import SyncCommitteeContribution
from ssv_protocol.types.contributions import Contribution
from ssv_protocol.types.ids import BlsSignature, Epoch, Root, Slot, ValidatorIndex

NO_SIGNATURE = BlsSignature(bytes(96))
WAVERING_EPOCHS = 5
"""In every fifth epoch all nodes see an old justified epoch: a vote there surrounds that of the epoch before."""
WAVERING_LAG = 2


@dataclass(slots=True)
class BeaconNodes:
    """All operators' nodes, on one chain.

    `blocks` has the roots of validly signed blocks by slot and proposer; `objects` every signed aggregate and
    contribution by slot and validator. Attestations and sync committee messages are in `attesting`.
    """

    attesting: SimulatedChain
    blocks: dict[tuple[Slot, ValidatorIndex], set[Root]] = field(default_factory=lambda: defaultdict(set))
    objects: dict[tuple[Slot, ValidatorIndex], set[Root]] = field(default_factory=lambda: defaultdict(set))

    def is_wavering(self, epoch: Epoch) -> bool:
        """Tell whether votes of an epoch go back behind those of the epoch before."""
        return epoch % WAVERING_EPOCHS == 0

    def proposer_at(self, slot: Slot) -> ValidatorIndex:
        """Return the validator that proposes in a slot."""
        indices = sorted(self.attesting.validators)
        return indices[int.from_bytes(self._root("proposer", slot, 0)[:8], "big") % len(indices)]

    def answer(self, request: Fetch, view: int) -> Event:
        """Return what a node with a view answers."""
        match request:
            case FetchAttestationData(slot):
                lag = WAVERING_LAG if self.is_wavering(self.attesting.chain.epoch_of(slot)) else 0
                return FetchedAttestationData(self.attesting.attestation_data(slot, view, lag))
            case FetchBlock(slot, reveal, graffiti):
                index = self.proposer_at(slot)
                return FetchedBlock(
                    request, blinded_block(slot, index, reveal, graffiti, self._root("state", slot, view))
                )
            case FetchAggregate(slot, committee_index):
                return FetchedAggregate(request, self._aggregate(slot, committee_index, view))
            case FetchAggregateAndProof(slot, committee_index, index, proof):
                aggregate = self._aggregate(slot, committee_index, view)
                return FetchedAggregateAndProof(request, ElectraAggregateAndProof(index, aggregate, proof))
            case FetchBlockRoot(slot):
                return FetchedBlockRoot(request, self._root("head", slot, view))
            case FetchContribution():
                return FetchedContribution(request, _contribution(request))
            case FetchContributions(contributions, proofs):
                pairs = zip(proofs, map(_contribution, contributions), strict=True)
                return FetchedContributions(request, tuple(Contribution(*pair) for pair in pairs))

    def take(self, work: Submit) -> None:
        """Verify what an operator hands over; what does not verify is in `attesting.invalid`."""
        self.attesting.take(work)
        for proposal in work.proposals:
            block = proposal.proposal.block
            root = proposal.proposal.root()
            if self._is_valid(block.slot, block.proposer_index, root, DOMAIN_BEACON_PROPOSER, proposal.signature):
                self.blocks[block.slot, block.proposer_index].add(root)
        for aggregate in work.aggregates:
            message, slot = aggregate.message, aggregate.message.aggregate.data.slot
            root, index = message.hash_tree_root(), message.aggregator_index
            if self._is_valid(slot, index, root, DOMAIN_AGGREGATE_AND_PROOF, aggregate.signature):
                self.objects[slot, index].add(root)
        for contribution in work.contributions:
            slot, index = contribution.message.contribution.slot, contribution.message.aggregator_index
            root = contribution.message.hash_tree_root()
            if self._is_valid(slot, index, root, DOMAIN_CONTRIBUTION_AND_PROOF, contribution.signature):
                self.objects[slot, index].add(root)

    def _is_valid(self, slot: Slot, index: ValidatorIndex, root: Root, kind: bytes, signature: BlsSignature) -> bool:
        chain = self.attesting.chain
        signing_root = compute_signing_root(root, chain.domain(kind, chain.epoch_of(slot)))
        if bls.verify(self.attesting.validators[index], signing_root, signature):
            return True
        self.attesting.invalid.append(f"object {root.hex()[:8]} of validator {index} in slot {slot}")
        return False

    def _aggregate(self, slot: Slot, committee_index: int, view: int) -> ElectraAttestation:
        data = self.attesting.attestation_data(slot)
        signature = BlsSignature(self._root("aggregate", slot, view) * 3)
        bits = tuple(place == committee_index for place in range(MAX_COMMITTEES_PER_SLOT))
        return ElectraAttestation((True, False, True), data, signature, bits)

    def _root(self, what: str, slot: Slot, view: int) -> Root:
        return Root(sha256(f"{self.attesting.seed}/{what}/{slot}/{view}".encode()).digest())


def _contribution(request: FetchContribution) -> SyncCommitteeContribution:
    bits = (False,) * SYNC_SUBCOMMITTEE_SIZE
    return SyncCommitteeContribution(request.slot, request.block_root, request.subcommittee_index, bits, NO_SIGNATURE)
