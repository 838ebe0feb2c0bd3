"""The value under consensus for a block proposal.

Any operator must be able to sign a full and a blinded block, whichever the round's leader proposes.

Source: ssv-spec types/consensus_data.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ssz.sedes import ByteList, uint64

from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.types.beacon.block_proposal import BlockProposal
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.roles import BeaconRole
from ssv_protocol.types.ssz import SszContainer

MAX_CONSENSUS_DATA_BYTES = 2**23


@dataclass(frozen=True, slots=True)
class ProposerConsensusData(SszContainer):
    """A duty and the encoded block for it; `version` is a `BeaconFork`."""

    duty: ValidatorDuty
    version: Annotated[int, uint64]
    data: Annotated[bytes, ByteList(MAX_CONSENSUS_DATA_BYTES)]

    def validate(self) -> None:
        """Check that a proposer's duty comes with a block (Boole; Alan: `ValidatorConsensusData`).

        Raises:
            ProtocolError: UNKNOWN_DUTY_ROLE_DATA, and those of `proposal`.
        """
        if self.duty.type != BeaconRole.PROPOSER:
            raise ProtocolError(Reason.UNKNOWN_DUTY_ROLE_DATA, f"beacon role {self.duty.type}")
        self.proposal()

    def proposal(self) -> BlockProposal:
        """Decode the block; raises ProtocolError UNKNOWN_BLOCK_VERSION, SSZ_DECODE."""
        return BlockProposal.decode(self.version, self.data)
