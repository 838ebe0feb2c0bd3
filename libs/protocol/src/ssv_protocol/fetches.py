"""Questions of a duty to the beacon nodes, one value each; the answers are in `events`.

`not_before` is when the answer begins to be good: an aggregate that is fetched before two thirds of the slot lacks
attestations. The shell waits until then.

Source: consensus-specs phase0/validator.md, altair/validator.md; ssvlabs/ssv protocol/v2/ssv/runner.
"""

from __future__ import annotations

from dataclasses import dataclass

from ssv_protocol.types.ids import BlsSignature, Instant, Root, Slot, ValidatorIndex

AT_ONCE = Instant(0.0)


@dataclass(frozen=True, slots=True)
class FetchAttestationData:
    """Ask what to attest in a slot (committee index 0)."""

    slot: Slot


@dataclass(frozen=True, slots=True)
class FetchBlock:
    """Ask for a block to propose."""

    slot: Slot
    randao_reveal: BlsSignature
    graffiti: bytes
    not_before: Instant = AT_ONCE


@dataclass(frozen=True, slots=True)
class FetchAggregate:
    """Ask for the aggregate of a beacon committee's attestations.

    Which attestation data they are of is asked of the same node: that of the slot with this committee before
    Electra, and with committee 0 since.
    """

    slot: Slot
    committee_index: int
    not_before: Instant = AT_ONCE


@dataclass(frozen=True, slots=True)
class FetchAggregateAndProof:
    """Ask for what an Alan aggregator proposes: the aggregate of its committee, made out to it with its proof.

    Boole's runner puts the aggregate and the proof together itself and asks by `FetchAggregate`.
    """

    slot: Slot
    committee_index: int
    aggregator_index: ValidatorIndex
    selection_proof: BlsSignature
    not_before: Instant = AT_ONCE


@dataclass(frozen=True, slots=True)
class FetchBlockRoot:
    """Ask for the head's block root as a sync committee signs it in a slot."""

    slot: Slot
    not_before: Instant = AT_ONCE


@dataclass(frozen=True, slots=True)
class FetchContribution:
    """Ask for the contribution of a sync subcommittee over `block_root`."""

    slot: Slot
    subcommittee_index: int
    block_root: Root
    not_before: Instant = AT_ONCE


@dataclass(frozen=True, slots=True)
class FetchContributions:
    """Ask for what an Alan contributor proposes: the contributions of its subcommittees, each with its proof.

    `selection_proofs` are in the order of `contributions`. Boole's runner puts both together itself and asks by
    `FetchContribution`.
    """

    contributions: tuple[FetchContribution, ...]
    selection_proofs: tuple[BlsSignature, ...]


Fetch = (
    FetchAttestationData
    | FetchBlock
    | FetchAggregate
    | FetchAggregateAndProof
    | FetchBlockRoot
    | FetchContribution
    | FetchContributions
)
