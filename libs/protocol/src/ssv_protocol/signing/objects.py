"""What each validator signs, with the signing root: the one place where roots of beacon objects are made.

Runner and signer both derive it here: the runner to know which roots to expect, the signer because it takes no
signing root from anybody. Before consensus a root follows from the named object alone, afterwards from the decided
value and the duties.

Source: ssv-spec ssv/*.go (executeDuty, expected…Roots); consensus-specs validator.md of phase0 and altair;
EIP-7549 for the attestation index; EIP-7044 and builder-specs by `BeaconChain.domain`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ssv_protocol.beacon_chain import BeaconChain, BeaconFork
from ssv_protocol.crypto.signing_root import (
    DOMAIN_AGGREGATE_AND_PROOF,
    DOMAIN_APPLICATION_BUILDER,
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
from ssv_protocol.drafts import Exit, PreConsensusObject, RandaoReveal, Registration, SlotSelection, SyncSelection
from ssv_protocol.types.aggregator_committee_data import AggregatorCommitteeConsensusData
from ssv_protocol.types.beacon.attestation import AggregateAndProof, AttestationData
from ssv_protocol.types.beacon.block_proposal import BlockProposal
from ssv_protocol.types.beacon.sync_committee import ContributionAndProof, SyncAggregatorSelectionData
from ssv_protocol.types.beacon_vote import BeaconVote
from ssv_protocol.types.contributions import Contribution
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import Root, Slot, ValidatorIndex
from ssv_protocol.types.roles import BeaconRole


@dataclass(frozen=True, slots=True)
class AttestationObject:
    """An attestation that one validator is to sign."""

    duty: ValidatorDuty
    data: AttestationData
    signing_root: Root


@dataclass(frozen=True, slots=True)
class SyncMessageObject:
    """A sync committee message that one validator is to sign: the block root itself."""

    duty: ValidatorDuty
    block_root: Root
    signing_root: Root


@dataclass(frozen=True, slots=True)
class BlockObject:
    """A block, full or blinded, that its proposer is to sign."""

    duty: ValidatorDuty
    proposal: BlockProposal
    signing_root: Root


@dataclass(frozen=True, slots=True)
class AggregateObject:
    """An aggregate and proof that its aggregator is to sign."""

    duty: ValidatorDuty
    message: AggregateAndProof
    signing_root: Root


@dataclass(frozen=True, slots=True)
class ContributionObject:
    """A contribution and proof that its aggregator is to sign."""

    duty: ValidatorDuty
    message: ContributionAndProof
    signing_root: Root


CommitteeObject = AttestationObject | SyncMessageObject
AggregatorCommitteeObject = AggregateObject | ContributionObject
PostConsensusObject = CommitteeObject | BlockObject | AggregatorCommitteeObject
Signable = PreConsensusObject | PostConsensusObject
"""What a share signs; the signing root says the same to whoever needs no more."""


def pre_consensus_root(chain: BeaconChain, slot: Slot, item: PreConsensusObject) -> Root:
    """Return the signing root of an object that is signed before consensus, for a duty of `slot`."""
    match item:
        case RandaoReveal():
            root, domain = uint64_root(item.epoch), DOMAIN_RANDAO
        case SlotSelection():
            root, domain = uint64_root(item.slot), DOMAIN_SELECTION_PROOF
        case SyncSelection():
            root = SyncAggregatorSelectionData(item.slot, item.subcommittee_index).hash_tree_root()
            domain = DOMAIN_SYNC_COMMITTEE_SELECTION_PROOF
        case Registration():
            root, domain = item.registration.hash_tree_root(), DOMAIN_APPLICATION_BUILDER
        case Exit():
            root, domain = item.exit.hash_tree_root(), DOMAIN_VOLUNTARY_EXIT
    return compute_signing_root(root, chain.domain(domain, chain.epoch_of(slot)))


def committee_objects(
    chain: BeaconChain, slot: Slot, vote: BeaconVote, duties: Iterable[ValidatorDuty]
) -> tuple[CommitteeObject, ...]:
    """Return what each attester and sync committee duty signs under `vote`, in the order of the duties."""
    epoch = chain.epoch_of(slot)
    attester_domain = chain.domain(DOMAIN_BEACON_ATTESTER, epoch)
    sync_root = compute_signing_root(vote.block_root, chain.domain(DOMAIN_SYNC_COMMITTEE, epoch))
    roots: dict[int, tuple[AttestationData, Root]] = {}
    objects: list[CommitteeObject] = []
    for duty in duties:
        if duty.type == BeaconRole.SYNC_COMMITTEE:
            objects.append(SyncMessageObject(duty, vote.block_root, sync_root))
        elif duty.type == BeaconRole.ATTESTER:
            index = 0 if chain.fork_at(epoch).fork >= BeaconFork.ELECTRA else duty.committee_index
            if index not in roots:
                data = vote.attestation_data(slot, index)
                roots[index] = data, compute_signing_root(data.hash_tree_root(), attester_domain)
            objects.append(AttestationObject(duty, *roots[index]))
    return tuple(objects)


def block_object(chain: BeaconChain, slot: Slot, proposal: BlockProposal, duty: ValidatorDuty) -> BlockObject:
    """Return what the proposer of `slot` signs; the root is the same for the full and the blinded block."""
    domain = chain.domain(DOMAIN_BEACON_PROPOSER, chain.epoch_of(slot))
    return BlockObject(duty, proposal, compute_signing_root(proposal.root(), domain))


def aggregate_object(
    chain: BeaconChain, slot: Slot, message: AggregateAndProof, duty: ValidatorDuty
) -> AggregateObject:
    """Return what an aggregator of `slot` signs."""
    domain = chain.domain(DOMAIN_AGGREGATE_AND_PROOF, chain.epoch_of(slot))
    return AggregateObject(duty, message, compute_signing_root(message.hash_tree_root(), domain))


def contribution_object(
    chain: BeaconChain, slot: Slot, message: ContributionAndProof, duty: ValidatorDuty
) -> ContributionObject:
    """Return what an aggregator of a sync subcommittee signs in `slot`."""
    domain = chain.domain(DOMAIN_CONTRIBUTION_AND_PROOF, chain.epoch_of(slot))
    return ContributionObject(duty, message, compute_signing_root(message.hash_tree_root(), domain))


def contribution_objects(
    chain: BeaconChain, slot: Slot, contributions: Iterable[Contribution], duty: ValidatorDuty
) -> tuple[ContributionObject, ...]:
    """Return what one validator signs of decided contributions (Alan), in their order."""
    return tuple(
        contribution_object(
            chain,
            slot,
            ContributionAndProof(duty.validator_index, item.contribution, item.selection_proof),
            duty,
        )
        for item in contributions
    )


def aggregator_committee_objects(
    chain: BeaconChain, slot: Slot, value: AggregatorCommitteeConsensusData, duties: Iterable[ValidatorDuty]
) -> tuple[AggregatorCommitteeObject, ...]:
    """Return what the committee's validators sign of a decided value (Boole), aggregates first, in its order.

    Validators without a duty of the kind are left out: operators may know different sets of validators.

    Raises:
        ProtocolError: those of `aggregates_and_proofs` and `contributions_and_proofs`.
    """
    by_kind: dict[tuple[int, ValidatorIndex], ValidatorDuty] = {}
    for duty in duties:
        by_kind.setdefault((duty.type, duty.validator_index), duty)
    objects: list[AggregatorCommitteeObject] = []
    for aggregate in value.aggregates_and_proofs():
        aggregator = by_kind.get((BeaconRole.AGGREGATOR, aggregate.aggregator_index))
        if aggregator is not None:
            objects.append(aggregate_object(chain, slot, aggregate, aggregator))
    for contribution in value.contributions_and_proofs():
        contributor = by_kind.get((BeaconRole.SYNC_COMMITTEE_CONTRIBUTION, contribution.aggregator_index))
        if contributor is not None:
            objects.append(contribution_object(chain, slot, contribution, contributor))
    return tuple(objects)
