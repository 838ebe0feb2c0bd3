"""What a state machine is told (events) and what it wants done (effects).

A machine never performs anything: it returns effects and the shell around it carries them out. It never
waits for a signature either: `Send` is sign-and-publish in one, and the operator's own vote counts only when
the shell feeds the signed message back as `Received`. A refusal to sign comes back as `Refused` and rolls
nothing back.

Source: architecture "functional core"; ssv-spec qbft and ssv packages for what the messages mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ssv_protocol.signing.verdict import DenialReason
from ssv_protocol.types.beacon.attestation import AttestationData, Phase0Attestation, SingleAttestation
from ssv_protocol.types.beacon.sync_committee import SyncCommitteeMessage
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import (
    BlsPublicKey,
    BlsSignature,
    Instant,
    MessageId,
    OperatorId,
    Root,
    Round,
    Slot,
    ValidatorIndex,
)
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.partial_signatures import PartialSignatures
from ssv_protocol.types.qbft_message import QbftMessage

# drafts: messages that only the signer can turn into signed ones


@dataclass(frozen=True, slots=True)
class QbftDraft:
    """A QBFT message to be signed. `full_data` travels outside of the signature."""

    message: QbftMessage
    full_data: bytes = b""

    @property
    def message_id(self) -> MessageId:
        """Whose duty the message belongs to."""
        return self.message.message_id


@dataclass(frozen=True, slots=True)
class PostConsensusDraft:
    """A request for partial signatures over what a committee decided.

    The signer believes nobody: it derives the objects itself, from `decided` (2f + 1 operator signatures over
    the value) and from these duties.
    """

    message_id: MessageId
    slot: Slot
    decided: SignedSSVMessage
    duties: tuple[ValidatorDuty, ...]


Draft = QbftDraft | PostConsensusDraft

# effects


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
class FetchAttestationData:
    """Ask a beacon node what to attest in a slot (committee index 0)."""

    slot: Slot


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

    `attesters` names the validator of each attestation, in the same order; attestations are single ones since
    Electra.
    """

    attesters: tuple[ValidatorIndex, ...] = ()
    attestations: tuple[SingleAttestation | Phase0Attestation, ...] = ()
    sync_messages: tuple[SyncCommitteeMessage, ...] = ()


@dataclass(frozen=True, slots=True)
class Finish:
    """The duty is done; the machine wants nothing more."""


Effect = Send | Publish | SetTimer | FetchAttestationData | Combine | Submit | Finish

# events


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
    """The signer denied a draft, or one validator of it; for the ledger, nothing is rolled back."""

    draft: Draft
    reason: DenialReason
    validator_index: ValidatorIndex | None = None


Event = Received | TimerFired | FetchedAttestationData | CombinedAll | Refused
