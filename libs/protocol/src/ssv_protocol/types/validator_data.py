"""The value under consensus for the duties of a single validator under Alan.

Its layout is that of Boole's `ProposerConsensusData`; what `data` holds depends on the duty.

Source: ssv-spec v1.2 types/consensus_data.go (ValidatorConsensusData).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ssz.sedes import ByteList, uint64

from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.types.beacon.attestation import AggregateAndProof, aggregate_and_proof_type
from ssv_protocol.types.beacon.block_proposal import BlockProposal
from ssv_protocol.types.contributions import Contribution, decode_contributions
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.proposer_data import MAX_CONSENSUS_DATA_BYTES
from ssv_protocol.types.roles import BeaconRole
from ssv_protocol.types.ssz import SszContainer


@dataclass(frozen=True, slots=True)
class ValidatorConsensusData(SszContainer):
    """A duty and the encoded object for it; `version` is a `BeaconFork`."""

    duty: ValidatorDuty
    version: Annotated[int, uint64]
    data: Annotated[bytes, ByteList(MAX_CONSENSUS_DATA_BYTES)]

    def validate(self) -> None:
        """Check that the duty comes with the object that it needs.

        Raises:
            ProtocolError: UNKNOWN_DUTY_ROLE_DATA, REGISTRATION_NO_CONSENSUS_DATA, EXIT_NO_CONSENSUS_DATA,
                and those of the object's method.
        """
        match self.duty.type:
            case BeaconRole.AGGREGATOR:
                self.aggregate_and_proof()
            case BeaconRole.PROPOSER:
                self.proposal()
            case BeaconRole.SYNC_COMMITTEE_CONTRIBUTION:
                self.contributions()
            case BeaconRole.VALIDATOR_REGISTRATION:
                raise ProtocolError(Reason.REGISTRATION_NO_CONSENSUS_DATA)
            case BeaconRole.VOLUNTARY_EXIT:
                raise ProtocolError(Reason.EXIT_NO_CONSENSUS_DATA)
            case unknown:
                raise ProtocolError(Reason.UNKNOWN_DUTY_ROLE_DATA, f"beacon role {unknown}")

    def proposal(self) -> BlockProposal:
        """Decode a proposer's block; raises ProtocolError UNKNOWN_BLOCK_VERSION, SSZ_DECODE."""
        return BlockProposal.decode(self.version, self.data)

    def aggregate_and_proof(self) -> AggregateAndProof:
        """Decode an aggregator's object; raises ProtocolError UNKNOWN_VERSION, SSZ_DECODE."""
        return aggregate_and_proof_type(self.version).decode(self.data)

    def contributions(self) -> tuple[Contribution, ...]:
        """Decode a contributor's objects; raises ProtocolError SSZ_DECODE."""
        return decode_contributions(self.data)
