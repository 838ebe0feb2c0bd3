"""Batches of partial BLS signatures, one per validator and signing root.

Source: ssv-spec types/partial_sig_message.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ssz.sedes import bytes32, bytes96, uint64

from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.types.fast_codec import FastSszContainer
from ssv_protocol.types.ids import BlsSignature, OperatorId, Root, Slot, ValidatorIndex
from ssv_protocol.types.ssz import list_of

MAX_PARTIAL_SIGNATURES = 5_048


@dataclass(frozen=True, slots=True)
class PartialSignature(FastSszContainer):
    """One operator's share signature over one signing root for one validator."""

    signature: Annotated[BlsSignature, bytes96]
    signing_root: Annotated[Root, bytes32]
    signer: Annotated[OperatorId, uint64]
    validator_index: Annotated[ValidatorIndex, uint64]


@dataclass(frozen=True, slots=True)
class PartialSignatures(FastSszContainer):
    """What one operator contributes to one duty and phase. `type` is a `PartialSignatureType`."""

    type: Annotated[int, uint64]
    slot: Annotated[Slot, uint64]
    messages: Annotated[tuple[PartialSignature, ...], list_of(PartialSignature, MAX_PARTIAL_SIGNATURES)]

    def validate(self) -> None:
        """Check the fields that need no context.

        Raises:
            ProtocolError: NO_PARTIAL_SIGNATURES, INCONSISTENT_SIGNERS, ZERO_SIGNER.
        """
        if not self.messages:
            raise ProtocolError(Reason.NO_PARTIAL_SIGNATURES)
        signer = self.messages[0].signer
        for message in self.messages:
            if message.signer != signer:
                raise ProtocolError(Reason.INCONSISTENT_SIGNERS, f"{message.signer} and {signer}")
            if message.signer == 0:
                raise ProtocolError(Reason.ZERO_SIGNER)

    def validate_for_signer(self, signer: OperatorId) -> None:
        """Check `validate` and that the signer inside is the one who signed the envelope.

        Raises:
            ProtocolError: those of `validate`, PARTIAL_SIGNATURE_SIGNER.
        """
        self.validate()
        if self.messages[0].signer != signer:
            raise ProtocolError(Reason.PARTIAL_SIGNATURE_SIGNER, f"{self.messages[0].signer} in {signer}'s envelope")
