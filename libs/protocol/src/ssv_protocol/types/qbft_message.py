"""The QBFT message inside an SSVMessage.

A round change carries the prepares that justify its prepared value in `round_change_justification`; a
proposal carries round changes there and prepares in `prepare_justification`. Justifications are encoded
SignedSSVMessages without full data.

Source: ssv-spec qbft/messages.go, qbft/messages_encoding.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import Annotated

from ssz.sedes import ByteList, List, bytes32, uint64

from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.types.fast_codec import FastSszContainer
from ssv_protocol.types.ids import NO_ROUND, Height, MessageId, Root, Round
from ssv_protocol.types.message_id import MESSAGE_ID_BYTES
from ssv_protocol.types.messages import MAX_COMMITTEE, SignedSSVMessage
from ssv_protocol.types.roles import QbftMessageType

MAX_ROUND_CHANGE_JUSTIFICATION_BYTES = 51_852
MAX_PREPARE_JUSTIFICATION_BYTES = 3_700


@dataclass(frozen=True, slots=True)
class QbftMessage(FastSszContainer):
    """One message of the consensus; `root` is the SHA-256 of the proposed value."""

    msg_type: Annotated[int, uint64]
    height: Annotated[Height, uint64]
    round: Annotated[Round, uint64]
    identifier: Annotated[bytes, ByteList(MESSAGE_ID_BYTES)]
    root: Annotated[Root, bytes32]
    data_round: Annotated[Round, uint64] = NO_ROUND
    round_change_justification: Annotated[
        tuple[bytes, ...], List(ByteList(MAX_ROUND_CHANGE_JUSTIFICATION_BYTES), MAX_COMMITTEE)
    ] = ()
    prepare_justification: Annotated[
        tuple[bytes, ...], List(ByteList(MAX_PREPARE_JUSTIFICATION_BYTES), MAX_COMMITTEE)
    ] = ()

    @property
    def message_id(self) -> MessageId:
        """The identifier as a message id; `validate` checks its length."""
        return MessageId(self.identifier)

    @property
    def prepared(self) -> bool:
        """Whether a round change carries a prepared value."""
        return self.data_round != NO_ROUND

    def validate(self) -> None:
        """Check the fields that need no context.

        Raises:
            ProtocolError: MESSAGE_IDENTIFIER, SSZ_DECODE (a justification), MESSAGE_TYPE, MESSAGE_ROUND.
        """
        if len(self.identifier) != MESSAGE_ID_BYTES:
            raise ProtocolError(Reason.MESSAGE_IDENTIFIER, f"{len(self.identifier)} bytes")
        for item in chain(self.round_change_justification, self.prepare_justification):
            SignedSSVMessage.decode(item)
        if self.msg_type > QbftMessageType.ROUND_CHANGE:
            raise ProtocolError(Reason.MESSAGE_TYPE, f"unknown QBFT message type {self.msg_type}")
        if self.round == NO_ROUND:
            raise ProtocolError(Reason.MESSAGE_ROUND, "round 0")

    def round_change_messages(self) -> tuple[SignedSSVMessage, ...]:
        """Decode `round_change_justification`; raises ProtocolError SSZ_DECODE."""
        return tuple(SignedSSVMessage.decode(item) for item in self.round_change_justification)

    def prepare_messages(self) -> tuple[SignedSSVMessage, ...]:
        """Decode `prepare_justification`; raises ProtocolError SSZ_DECODE."""
        return tuple(SignedSSVMessage.decode(item) for item in self.prepare_justification)
