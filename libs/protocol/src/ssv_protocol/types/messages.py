"""The wire envelope: SSVMessage and SignedSSVMessage.

Limits are the larger of the Alan and Boole rule sets; the limit of the rule set in force is a validation
rule, not a decoding rule.

Source: ssv-spec types/messages.go, types/messages_encoding.go.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from struct import Struct
from typing import Annotated

from ssz.constants import OFFSET_SIZE
from ssz.sedes import ByteList, ByteVector, List, uint64

from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.types.fast_codec import FastSszContainer
from ssv_protocol.types.ids import MessageId, OperatorId, RsaSignature
from ssv_protocol.types.message_id import MESSAGE_ID_BYTES, message_role
from ssv_protocol.types.roles import MsgType

MAX_COMMITTEE = 13
"""Most operators in a committee, hence signers of a message."""
RSA_SIGNATURE_BYTES = 256
MAX_DATA_BYTES = 726_932
MAX_FULL_DATA_BYTES = 8_388_836
_KNOWN_MESSAGE_TYPES = frozenset(MsgType)
_MESSAGE = Struct(f"<Q{MESSAGE_ID_BYTES}sI")
_OF_ONE_OPERATOR = Struct(f"<4I I{RSA_SIGNATURE_BYTES}s Q")
"""Where the four fields begin; the only signature, after where it begins in its list; the only operator id."""
_SIGNATURES_AT = 4 * OFFSET_SIZE
_OPERATOR_IDS_AT = _SIGNATURES_AT + OFFSET_SIZE + RSA_SIGNATURE_BYTES


@dataclass(frozen=True, slots=True)
class SSVMessage(FastSszContainer):
    """What an operator signs: the kind, whose duty, and an encoded QBFT or partial signature message."""

    msg_type: Annotated[int, uint64]
    msg_id: Annotated[MessageId, ByteVector(MESSAGE_ID_BYTES)]
    data: Annotated[bytes, ByteList(MAX_DATA_BYTES)]

    def validate(self) -> None:
        """Check the fields that need no context.

        Raises:
            ProtocolError: MESSAGE_TYPE, MESSAGE_ROLE.
        """
        if self.msg_type not in _KNOWN_MESSAGE_TYPES:
            raise ProtocolError(Reason.MESSAGE_TYPE, f"unknown message type {self.msg_type}")
        if message_role(self.msg_id) < 0:
            raise ProtocolError(Reason.MESSAGE_ROLE, f"role {message_role(self.msg_id)}")


@dataclass(frozen=True, slots=True)
class SignedSSVMessage(FastSszContainer):
    """An SSVMessage with the RSA signatures of one or more operators.

    `full_data` is outside of what is signed; the root inside the QBFT message binds it.
    """

    signatures: Annotated[tuple[RsaSignature, ...], List(ByteList(RSA_SIGNATURE_BYTES), MAX_COMMITTEE)]
    operator_ids: Annotated[tuple[OperatorId, ...], List(uint64, MAX_COMMITTEE)]
    ssv_message: SSVMessage
    full_data: Annotated[bytes, ByteList(MAX_FULL_DATA_BYTES)] = b""

    def validate(self) -> None:
        """Check the envelope's shape, in the order that decides which reason is given.

        Raises:
            ProtocolError: NO_SIGNERS, NON_UNIQUE_SIGNER, ZERO_SIGNER, NO_SIGNATURES, EMPTY_SIGNATURE,
                SIGNATURE_COUNT, and those of `SSVMessage.validate`.
        """
        if not self.operator_ids:
            raise ProtocolError(Reason.NO_SIGNERS)
        seen: set[OperatorId] = set()
        for operator_id in self.operator_ids:
            if operator_id in seen:
                raise ProtocolError(Reason.NON_UNIQUE_SIGNER, f"operator {operator_id}")
            if operator_id == 0:
                raise ProtocolError(Reason.ZERO_SIGNER)
            seen.add(operator_id)
        if not self.signatures:
            raise ProtocolError(Reason.NO_SIGNATURES)
        if not all(self.signatures):
            raise ProtocolError(Reason.EMPTY_SIGNATURE)
        if len(self.signatures) != len(self.operator_ids):
            raise ProtocolError(Reason.SIGNATURE_COUNT, f"{len(self.signatures)} for {len(self.operator_ids)} signers")
        self.ssv_message.validate()

    def without_full_data(self) -> SignedSSVMessage:
        """Return the message as it travels inside a justification."""
        return replace(self, full_data=b"")


def encode_message(msg_type: MsgType, msg_id: MessageId, data: bytes) -> bytes:
    """Return the encoding of an SSVMessage, for where it is made in great numbers; raises ProtocolError SSZ_ENCODE."""
    if len(msg_id) != MESSAGE_ID_BYTES or len(data) > MAX_DATA_BYTES:
        raise ProtocolError(Reason.SSZ_ENCODE, f"message id of {len(msg_id)} bytes, data of {len(data)}")
    return _MESSAGE.pack(msg_type, msg_id, _MESSAGE.size) + data


def encode_signed(
    encoded_message: bytes, signature: RsaSignature, operator_id: OperatorId, full_data: bytes = b""
) -> bytes:
    """Return the encoding of the SignedSSVMessage of one operator, around an SSVMessage that is encoded already.

    Raises:
        ProtocolError: SSZ_ENCODE when the signature has another length or the full data is too long.
    """
    if len(signature) != RSA_SIGNATURE_BYTES or len(full_data) > MAX_FULL_DATA_BYTES:
        detail = f"signature of {len(signature)} bytes, full data of {len(full_data)}"
        raise ProtocolError(Reason.SSZ_ENCODE, detail)
    message_at = _OF_ONE_OPERATOR.size
    full_data_at = message_at + len(encoded_message)
    offsets = _SIGNATURES_AT, _OPERATOR_IDS_AT, message_at, full_data_at
    return _OF_ONE_OPERATOR.pack(*offsets, OFFSET_SIZE, signature, operator_id) + encoded_message + full_data
