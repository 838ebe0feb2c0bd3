"""What a signer remembers, as values. A store keeps them; the rules read and replace them.

Invariant: a record names what *may have been* signed, because it is written first. It holds messages unsigned:
RSA PKCS#1 v1.5 and BLS signatures are deterministic, so signing a recorded message again gives the same bytes,
and there is no moment at which something is signed but not on record.

Source: architecture §5.1, §5.2.
"""

from __future__ import annotations

from dataclasses import dataclass

from ssv_protocol.types.ids import BlsPublicKey, Epoch, Root, Round, Slot, ValidatorIndex
from ssv_protocol.types.messages import SSVMessage
from ssv_protocol.types.roles import PartialSignatureType, QbftMessageType


@dataclass(frozen=True, slots=True)
class AttestationRecord:
    """One per share public key: the highest source and target epochs.

    `signing_root` is that of the attestation with the highest target; None when the target is a watermark whose
    attestation is unknown, which no root equals.
    """

    source: Epoch
    target: Epoch
    signing_root: Root | None = None


@dataclass(frozen=True, slots=True)
class ProposalRecord:
    """One per share public key: the highest block slot, and its signing root unless unknown."""

    slot: Slot
    signing_root: Root | None = None


@dataclass(frozen=True, slots=True)
class UnsignedMessage:
    """What the operator key signs, an encoded SSVMessage, and the full data that travels beside it, unsigned.

    It is kept encoded because that is what is written down, signed and sent.
    """

    encoded: bytes
    full_data: bytes = b""

    @classmethod
    def of(cls, message: SSVMessage, full_data: bytes = b"") -> UnsignedMessage:
        """Return a message to sign; raises ProtocolError SSZ_ENCODE."""
        return cls(message.encode(), full_data)

    @property
    def message(self) -> SSVMessage:
        """What is encoded."""
        return SSVMessage.decode(self.encoded)


@dataclass(frozen=True, slots=True)
class Lock:
    """The round and root of the last commit."""

    round: Round
    root: Root


@dataclass(frozen=True, slots=True)
class QbftStep:
    """One step of a consensus: at most one message of a type in a round."""

    type: QbftMessageType
    round: Round
    message: UnsignedMessage


@dataclass(frozen=True, slots=True)
class QbftRecord:
    """One per (message id, height).

    `round` is the highest round of any step. `root` is what that round's proposal, prepare and commit are
    about; None while only a round change is on record for it.
    """

    round: Round
    root: Root | None
    lock: Lock | None
    steps: tuple[QbftStep, ...]

    def message(self, step_type: QbftMessageType, at_round: Round) -> UnsignedMessage | None:
        """Return what is on record for a step."""
        for step in self.steps:
            if step.type == step_type and step.round == at_round:
                return step.message
        return None


@dataclass(frozen=True, slots=True)
class ShareSigning:
    """One share signature to make: whose, with which share, over which signing root."""

    validator_index: ValidatorIndex
    share_pubkey: BlsPublicKey
    signing_root: Root


@dataclass(frozen=True, slots=True)
class PartialSignaturesRecord:
    """One per (message id, slot, type): everything in that one message, in its order."""

    slot: Slot
    type: PartialSignatureType
    items: tuple[ShareSigning, ...]
