"""What the signer is asked to sign: drafts, and the objects that a draft before consensus names.

A draft never carries a signing root. The signer derives every root itself (`signing.objects`): from the object
that is named here, or from what a committee decided.

Source: ssv-spec types/partial_sig_message.go; consensus-specs phase0/validator.md, altair/validator.md;
builder-specs.
"""

from __future__ import annotations

from dataclasses import dataclass

from ssv_protocol.types.beacon.exit import VoluntaryExit
from ssv_protocol.types.beacon.registration import ValidatorRegistration
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import BlsPublicKey, Epoch, MessageId, Slot, ValidatorIndex
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import PartialSignatureType


@dataclass(frozen=True, slots=True)
class RandaoReveal:
    """A proposer's contribution to the chain's randomness: a signature over the epoch."""

    validator_index: ValidatorIndex
    pubkey: BlsPublicKey
    epoch: Epoch


@dataclass(frozen=True, slots=True)
class SlotSelection:
    """Proof of an attester's selection as aggregator: a signature over the slot."""

    validator_index: ValidatorIndex
    pubkey: BlsPublicKey
    slot: Slot


@dataclass(frozen=True, slots=True)
class SyncSelection:
    """Proof of a sync committee member's selection as aggregator of a subcommittee."""

    validator_index: ValidatorIndex
    pubkey: BlsPublicKey
    slot: Slot
    subcommittee_index: int


@dataclass(frozen=True, slots=True)
class Registration:
    """A registration with block builders; `registration` carries the validator's public key."""

    validator_index: ValidatorIndex
    registration: ValidatorRegistration

    @property
    def pubkey(self) -> BlsPublicKey:
        """The validator's public key."""
        return self.registration.pubkey


@dataclass(frozen=True, slots=True)
class Exit:
    """A validator's voluntary exit."""

    pubkey: BlsPublicKey
    exit: VoluntaryExit

    @property
    def validator_index(self) -> ValidatorIndex:
        """Who exits."""
        return self.exit.validator_index


PreConsensusObject = RandaoReveal | SlotSelection | SyncSelection | Registration | Exit


@dataclass(frozen=True, slots=True)
class QbftDraft:
    """A QBFT message to be signed. `full_data` travels outside of the signature."""

    message: QbftMessage
    full_data: bytes = b""

    @property
    def message_id(self) -> MessageId:
        """Whose duty the message belongs to."""
        return MessageId(self.message.identifier)


@dataclass(frozen=True, slots=True)
class PreConsensusDraft:
    """A request for partial signatures that need no decision; one message, its items in the order of `objects`."""

    message_id: MessageId
    slot: Slot
    type: PartialSignatureType
    objects: tuple[PreConsensusObject, ...]


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


Draft = QbftDraft | PreConsensusDraft | PostConsensusDraft
