"""What a state machine is told.

Every `Fetched…` names the question that it answers, so that a machine with several under way can match them.
"""

from __future__ import annotations

from dataclasses import dataclass

from ssv_protocol.beacon_chain import BeaconFork
from ssv_protocol.drafts import Draft
from ssv_protocol.fetches import (
    Fetch,
    FetchAggregate,
    FetchAggregateAndProof,
    FetchBlock,
    FetchBlockRoot,
    FetchContribution,
    FetchContributions,
)
from ssv_protocol.signing.verdict import DenialReason
from ssv_protocol.types.beacon.attestation import AggregateAndProof, Attestation, AttestationData
from ssv_protocol.types.beacon.block_proposal import BlockProposal
from ssv_protocol.types.beacon.sync_committee import SyncCommitteeContribution
from ssv_protocol.types.contributions import Contribution
from ssv_protocol.types.ids import BlsSignature, OperatorId, Root, Round, ValidatorIndex
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.partial_signatures import PartialSignatures
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import BeaconRole


@dataclass(frozen=True, slots=True)
class Received:
    """A message that was admitted (`runners.admission`), or an own one that the signer has just made."""

    signed: SignedSSVMessage
    content: QbftMessage | PartialSignatures


@dataclass(frozen=True, slots=True)
class TimerFired:
    """The deadline of a round has passed."""

    round: Round


@dataclass(frozen=True, slots=True)
class FetchedAttestationData:
    """The beacon node's answer to `FetchAttestationData`."""

    data: AttestationData


@dataclass(frozen=True, slots=True)
class FetchedBlock:
    """A block to propose, full or blinded."""

    request: FetchBlock
    proposal: BlockProposal


@dataclass(frozen=True, slots=True)
class FetchedAggregate:
    """An aggregated attestation, in the shape of the slot's fork."""

    request: FetchAggregate
    aggregate: Attestation


@dataclass(frozen=True, slots=True)
class FetchedAggregateAndProof:
    """An aggregate made out to its aggregator, in the shape of the slot's fork."""

    request: FetchAggregateAndProof
    message: AggregateAndProof


@dataclass(frozen=True, slots=True)
class FetchedBlockRoot:
    """The head's block root."""

    request: FetchBlockRoot
    block_root: Root


@dataclass(frozen=True, slots=True)
class FetchedContribution:
    """A subcommittee's contribution; None when the node knows of none."""

    request: FetchContribution
    contribution: SyncCommitteeContribution | None


@dataclass(frozen=True, slots=True)
class FetchedContributions:
    """The contributions that the node knows of, made out to their aggregator.

    `version` is what the answer names as the fork of its shape; it goes into the proposed value as it is.
    """

    request: FetchContributions
    contributions: tuple[Contribution, ...]
    version: BeaconFork = BeaconFork.ALTAIR


@dataclass(frozen=True, slots=True)
class FetchFailed:
    """No beacon node answered before it was too late. `detail` is for logs, never for decisions."""

    request: Fetch
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Combined:
    """What became of one item of a `Combine`: the signature, or the operators whose shares were bad."""

    validator_index: ValidatorIndex
    root: Root
    signature: BlsSignature | None
    bad_operators: frozenset[OperatorId] = frozenset()


@dataclass(frozen=True, slots=True)
class CombinedAll:
    """The answer to one `Combine`, item by item."""

    results: tuple[Combined, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """The signer denied a draft, or one object of it; for the ledger, nothing is rolled back.

    An object is named by its validator and the kind of duty that it is for; without the kind, all of the validator's
    are meant.
    """

    draft: Draft
    reason: DenialReason
    validator_index: ValidatorIndex | None = None
    duty_type: BeaconRole | None = None


Event = (
    Received
    | TimerFired
    | FetchedAttestationData
    | FetchedBlock
    | FetchedAggregate
    | FetchedAggregateAndProof
    | FetchedBlockRoot
    | FetchedContribution
    | FetchedContributions
    | FetchFailed
    | CombinedAll
    | Refused
)
