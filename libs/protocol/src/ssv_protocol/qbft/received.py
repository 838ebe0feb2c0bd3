"""A signed QBFT message beside its decoded content, and what can be asked of several of them.

Decoding a justification is a pure function of its bytes and the same prepares come inside every round
change, so decoded justifications are kept in a bounded cache.

Not guaranteed: nothing here says that a message is valid or its signature good.

Source: ssv-spec qbft/messages.go (ProcessingMessage, HasQuorum).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import sha256

from ssv_protocol.crypto.rsa import verify_envelope
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.types.ids import MessageId, OperatorId, Root, Round
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.operator import CommitteeMember
from ssv_protocol.types.qbft_message import QbftMessage

_CACHED_JUSTIFICATIONS = 512

# parts of an encoded SignedSSVMessage
_ENVELOPE_FIXED_BYTES = 16
_MESSAGE_FIXED_BYTES = 68
_OFFSET_BYTES = 4
_OPERATOR_ID_BYTES = 8


@dataclass(frozen=True)
class ReceivedMessage:
    """A signed message and the QBFT message in it. Immutable; has no slots because it remembers decodings."""

    signed: SignedSSVMessage
    qbft: QbftMessage

    @classmethod
    def decode(cls, signed: SignedSSVMessage) -> ReceivedMessage:
        """Decode the content; raises ProtocolError SSZ_DECODE."""
        return cls(signed, QbftMessage.decode(signed.ssv_message.data))

    @property
    def signers(self) -> tuple[OperatorId, ...]:
        """Who signed."""
        return self.signed.operator_ids

    @property
    def round(self) -> Round:
        """The round of the message."""
        return self.qbft.round

    @cached_property
    def round_change_justification(self) -> tuple[ReceivedMessage, ...]:
        """Round changes of a proposal, or prepares of a round change; raises ProtocolError SSZ_DECODE."""
        return tuple(map(_decode_justification, self.qbft.round_change_justification))

    @cached_property
    def prepare_justification(self) -> tuple[ReceivedMessage, ...]:
        """Prepares of a proposal; raises ProtocolError SSZ_DECODE."""
        return tuple(map(_decode_justification, self.qbft.prepare_justification))

    def validate(self) -> None:
        """Check envelope and content without context; raises what their `validate` methods raise."""
        if self._fault is not None:
            reason, detail = self._fault
            raise ProtocolError(reason, detail)

    @cached_property
    def _fault(self) -> tuple[Reason, str] | None:
        try:
            self.signed.validate()
            self.qbft.validate()
        except ProtocolError as error:
            return error.reason, error.detail
        return None


@lru_cache(maxsize=_CACHED_JUSTIFICATIONS)
def _decode_justification(encoded: bytes) -> ReceivedMessage:
    return ReceivedMessage.decode(SignedSSVMessage.decode(encoded))


def value_root(value: bytes) -> Root:
    """Return the SHA-256 by which QBFT messages name a value."""
    return Root(sha256(value).digest())


def unique_signers(messages: Iterable[ReceivedMessage]) -> set[OperatorId]:
    """Return everyone who signed any of the messages."""
    return {signer for message in messages for signer in message.signers}


def has_quorum(member: CommitteeMember, messages: Iterable[ReceivedMessage]) -> bool:
    """Tell whether 2f + 1 operators signed the messages."""
    return len(unique_signers(messages)) >= member.quorum


def has_partial_quorum(member: CommitteeMember, messages: Iterable[ReceivedMessage]) -> bool:
    """Tell whether f + 1 operators signed the messages."""
    return len(unique_signers(messages)) >= member.partial_quorum


def check_height(message: ReceivedMessage, height: int) -> None:
    """Raise ProtocolError WRONG_HEIGHT unless the message is of this height."""
    if message.qbft.height != height:
        raise ProtocolError(Reason.WRONG_HEIGHT, f"{message.qbft.height}, not {height}")


def check_identifier(message: ReceivedMessage, identifier: MessageId) -> None:
    """Raise ProtocolError MESSAGE_IDENTIFIER unless the message is of this consensus.

    Ours, for what travels inside justifications: the same operators speak at the same height in other roles, and in
    other committees that share enough of them, and what they say there proves nothing here.
    """
    if message.qbft.identifier != identifier:
        raise ProtocolError(Reason.MESSAGE_IDENTIFIER, "of another consensus")


def check_round(message: ReceivedMessage, round_: Round) -> None:
    """Raise ProtocolError WRONG_ROUND unless the message is of this round."""
    if message.round != round_:
        raise ProtocolError(Reason.WRONG_ROUND, f"{message.round}, not {round_}")


def check_one_signer(message: ReceivedMessage) -> None:
    """Raise ProtocolError ONE_SIGNER_ONLY unless exactly one operator signed."""
    if len(message.signers) != 1:
        raise ProtocolError(Reason.ONE_SIGNER_ONLY, f"{len(message.signers)} signers")


def check_committee(message: ReceivedMessage, committee: Sequence[OperatorId]) -> None:
    """Raise ProtocolError SIGNER_NOT_IN_COMMITTEE unless all signers are members."""
    if not set(message.signers) <= set(committee):
        raise ProtocolError(Reason.SIGNER_NOT_IN_COMMITTEE, f"signers {message.signers}")


def check_signatures(message: ReceivedMessage, member: CommitteeMember) -> None:
    """Raise ProtocolError MESSAGE_SIGNATURE unless every RSA signature is the named member's."""
    if not verify_envelope(member, message.signed):
        raise ProtocolError(Reason.MESSAGE_SIGNATURE, f"signers {message.signers}")


def justification_bytes(signed: SignedSSVMessage) -> int:
    """Return how long the message's encoding is as a justification, without encoding it."""
    return (
        _ENVELOPE_FIXED_BYTES
        + sum(_OFFSET_BYTES + len(signature) for signature in signed.signatures)
        + _OPERATOR_ID_BYTES * len(signed.operator_ids)
        + _MESSAGE_FIXED_BYTES
        + len(signed.ssv_message.data)
    )


def check_justification_size(message: ReceivedMessage, limit_bytes: int) -> None:
    """Raise ProtocolError MESSAGE_TOO_LARGE unless the message fits into a justification field."""
    size_bytes = justification_bytes(message.signed)
    if size_bytes > limit_bytes:
        raise ProtocolError(Reason.MESSAGE_TOO_LARGE, f"{size_bytes} bytes as a justification, over {limit_bytes}")


def check_full_data(message: ReceivedMessage, full_data: bytes) -> None:
    """Raise ProtocolError VALUE_ROOT unless the message's root is that of the value."""
    if value_root(full_data) != message.qbft.root:
        raise ProtocolError(Reason.VALUE_ROOT)
