"""The value a committee agrees on for attestations and sync committee messages.

It names no slot, committee or validator: those come from the duty.

Source: ssv-spec types/consensus_data.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ssz.sedes import bytes32

from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.types.beacon.attestation import AttestationData, Checkpoint
from ssv_protocol.types.fast_codec import FastSszContainer
from ssv_protocol.types.ids import Root, Slot


@dataclass(frozen=True, slots=True)
class BeaconVote(FastSszContainer):
    """Head block root and the two checkpoints to vote for."""

    block_root: Annotated[Root, bytes32]
    source: Checkpoint
    target: Checkpoint

    def validate(self) -> None:
        """Check the fields that need no context.

        Raises:
            ProtocolError: ATTESTATION_SOURCE_NOT_BEFORE_TARGET.
        """
        if self.source.epoch >= self.target.epoch:
            raise ProtocolError(
                Reason.ATTESTATION_SOURCE_NOT_BEFORE_TARGET,
                f"source epoch {self.source.epoch}, target epoch {self.target.epoch}",
            )

    def attestation_data(self, slot: Slot, index: int) -> AttestationData:
        """Return the attestation that this vote means in a slot; `index` is 0 since Electra."""
        return AttestationData(slot, index, self.block_root, self.source, self.target)
