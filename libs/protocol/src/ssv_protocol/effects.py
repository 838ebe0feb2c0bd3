"""What a state machine wants done.

A machine never performs anything: it returns effects and the shell around it carries them out. It never
waits for a signature either: `Send` is sign-and-publish in one, and the operator's own vote counts only when
the shell feeds the signed message back as `Received`. A refusal to sign comes back as `Refused` and rolls
nothing back. What a machine is told is in `events`, what is signed in `drafts`, what beacon nodes are asked in
`fetches`; all of them can be had from here.

Source: architecture "functional core"; ssv-spec qbft and ssv packages for what the messages mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ssv_protocol.drafts import (
    Draft,
    Exit,
    PostConsensusDraft,
    PreConsensusDraft,
    PreConsensusObject,
    QbftDraft,
    RandaoReveal,
    Registration,
    SlotSelection,
    SyncSelection,
)
from ssv_protocol.errors import Reason
from ssv_protocol.events import (
    Combined,
    CombinedAll,
    Event,
    FetchedAggregate,
    FetchedAggregateAndProof,
    FetchedAttestationData,
    FetchedBlock,
    FetchedBlockRoot,
    FetchedContribution,
    FetchedContributions,
    FetchFailed,
    Received,
    Refused,
    TimerFired,
)
from ssv_protocol.fetches import (
    Fetch,
    FetchAggregate,
    FetchAggregateAndProof,
    FetchAttestationData,
    FetchBlock,
    FetchBlockRoot,
    FetchContribution,
    FetchContributions,
)
from ssv_protocol.types.beacon.attestation import (
    Phase0Attestation,
    SignedAggregateAndProof,
    SingleAttestation,
)
from ssv_protocol.types.beacon.block_proposal import SignedProposal
from ssv_protocol.types.beacon.exit import SignedVoluntaryExit
from ssv_protocol.types.beacon.registration import SignedValidatorRegistration
from ssv_protocol.types.beacon.sync_committee import SignedContributionAndProof, SyncCommitteeMessage
from ssv_protocol.types.ids import BlsPublicKey, BlsSignature, Instant, OperatorId, Root, Round, ValidatorIndex
from ssv_protocol.types.messages import SignedSSVMessage

__all__ = [
    "Combine",
    "Combined",
    "CombinedAll",
    "Draft",
    "Effect",
    "Event",
    "Exit",
    "Fetch",
    "FetchAggregate",
    "FetchAggregateAndProof",
    "FetchAttestationData",
    "FetchBlock",
    "FetchBlockRoot",
    "FetchContribution",
    "FetchContributions",
    "FetchFailed",
    "FetchedAggregate",
    "FetchedAggregateAndProof",
    "FetchedAttestationData",
    "FetchedBlock",
    "FetchedBlockRoot",
    "FetchedContribution",
    "FetchedContributions",
    "Finish",
    "PostConsensusDraft",
    "PreConsensusDraft",
    "PreConsensusObject",
    "Publish",
    "QbftDraft",
    "RandaoReveal",
    "Received",
    "Refused",
    "Registration",
    "Report",
    "Send",
    "SetTimer",
    "ShareSignatures",
    "SlotSelection",
    "Submit",
    "SyncSelection",
    "TimerFired",
]


@dataclass(frozen=True, slots=True)
class Send:
    """Sign the draft, feed the signed message back, publish it."""

    draft: Draft


@dataclass(frozen=True, slots=True)
class Publish:
    """Publish a message that others have signed: the aggregated commits of a decision."""

    signed: SignedSSVMessage


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Tell the machine `TimerFired(round)` at `deadline`; replaces an earlier timer of the machine."""

    round: Round
    deadline: Instant


@dataclass(frozen=True, slots=True)
class ShareSignatures:
    """The share signatures of one validator over one root, enough to reconstruct, not yet verified."""

    validator_index: ValidatorIndex
    validator_pubkey: BlsPublicKey
    root: Root
    partials: Mapping[OperatorId, BlsSignature]
    share_pubkeys: Mapping[OperatorId, BlsPublicKey]


@dataclass(frozen=True, slots=True)
class Combine:
    """Reconstruct validator signatures (`crypto.combine`), off the event loop."""

    items: tuple[ShareSignatures, ...]


@dataclass(frozen=True, slots=True)
class Submit:
    """Hand signed objects to the beacon nodes.

    `attesters` names the validator of each attestation, in the same order, and `registrants` that of each
    registration; attestations are single ones since Electra.
    """

    attesters: tuple[ValidatorIndex, ...] = ()
    attestations: tuple[SingleAttestation | Phase0Attestation, ...] = ()
    sync_messages: tuple[SyncCommitteeMessage, ...] = ()
    proposals: tuple[SignedProposal, ...] = ()
    aggregates: tuple[SignedAggregateAndProof, ...] = ()
    contributions: tuple[SignedContributionAndProof, ...] = ()
    registrations: tuple[SignedValidatorRegistration, ...] = ()
    exits: tuple[SignedVoluntaryExit, ...] = ()
    registrants: tuple[ValidatorIndex, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """Something failed in a step that otherwise went on: for ledger, log and metric.

    `operators` are those who sent share signatures that do not verify.
    """

    reason: Reason
    detail: str = ""
    validator_index: ValidatorIndex | None = None
    operators: frozenset[OperatorId] = frozenset()


@dataclass(frozen=True, slots=True)
class Finish:
    """The duty is done; the machine wants nothing more."""


Effect = Send | Publish | SetTimer | Fetch | Combine | Submit | Report | Finish
