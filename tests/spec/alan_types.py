"""Containers whose limits are smaller under Alan, with those limits.

The node decodes with Boole's larger limits and enforces the smaller ones as rules of validation. Only hash
tree roots and largest sizes, which nothing but the vectors asks for, need the real Alan types.

Source: ssv-spec v1.2.2 types/partial_sig_message.go, types/messages.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ssz.sedes import ByteList, ByteVector, uint64

from ssv_protocol.types.ids import MessageId, Slot
from ssv_protocol.types.message_id import MESSAGE_ID_BYTES
from ssv_protocol.types.messages import SSVMessage
from ssv_protocol.types.partial_signatures import PartialSignature, PartialSignatures
from ssv_protocol.types.ssz import SszContainer, list_of
from tests.spec.case import Version

ALAN_MAX_PARTIAL_SIGNATURES = 1_512
ALAN_MAX_DATA_BYTES = 722_412


@dataclass(frozen=True, slots=True)
class AlanPartialSignatures(SszContainer):
    """PartialSignatures as Alan limits them."""

    type: Annotated[int, uint64]
    slot: Annotated[Slot, uint64]
    messages: Annotated[tuple[PartialSignature, ...], list_of(PartialSignature, ALAN_MAX_PARTIAL_SIGNATURES)]


@dataclass(frozen=True, slots=True)
class AlanSSVMessage(SszContainer):
    """SSVMessage as Alan limits it."""

    msg_type: Annotated[int, uint64]
    msg_id: Annotated[MessageId, ByteVector(MESSAGE_ID_BYTES)]
    data: Annotated[bytes, ByteList(ALAN_MAX_DATA_BYTES)]


_ALAN: dict[type[SszContainer], type[SszContainer]] = {
    PartialSignatures: AlanPartialSignatures,
    SSVMessage: AlanSSVMessage,
}


def type_in(version: Version, container: type[SszContainer]) -> type[SszContainer]:
    """Return the container that a rule set has in the place of ours."""
    return _ALAN.get(container, container) if version == "alan" else container


def in_rules_of(version: Version, value: SszContainer) -> SszContainer:
    """Return the value as the container of a rule set; raises ProtocolError when it does not fit there."""
    container = type_in(version, type(value))
    return value if container is type(value) else container.decode(value.encode())
