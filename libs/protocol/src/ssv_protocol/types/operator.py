"""Operators and one operator's view of its committee.

The public key is the PEM text of the RSA key: a SubjectPublicKeyInfo under the label "RSA PUBLIC KEY",
459 bytes with the final newline.

Source: ssv-spec types/operator.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ssz.sedes import ByteVector, bytes4, bytes32, uint64

from ssv_protocol.types.committee import quorum
from ssv_protocol.types.ids import CommitteeId, DomainType, OperatorId
from ssv_protocol.types.messages import MAX_COMMITTEE
from ssv_protocol.types.ssz import SszContainer, list_of

OPERATOR_KEY_PEM_BYTES = 459


@dataclass(frozen=True, slots=True)
class Operator(SszContainer):
    """An operator of the network: its id and RSA public key (PEM)."""

    operator_id: Annotated[OperatorId, uint64]
    public_key: Annotated[bytes, ByteVector(OPERATOR_KEY_PEM_BYTES)]


@dataclass(frozen=True, slots=True)
class CommitteeMember(SszContainer):
    """One operator's seat in a committee, with the keys of all its members in the registry's order."""

    operator_id: Annotated[OperatorId, uint64]
    committee_id: Annotated[CommitteeId, bytes32]
    public_key: Annotated[bytes, ByteVector(OPERATOR_KEY_PEM_BYTES)]
    faulty_nodes: Annotated[int, uint64]
    committee: Annotated[tuple[Operator, ...], list_of(Operator, MAX_COMMITTEE)]
    domain: Annotated[DomainType, bytes4]

    @property
    def operator_ids(self) -> tuple[OperatorId, ...]:
        """Ids of the committee in stored order."""
        return tuple(operator.operator_id for operator in self.committee)

    @property
    def quorum(self) -> int:
        """Signers that decide: 2f + 1."""
        return quorum(len(self.committee))

    def public_key_of(self, operator_id: OperatorId) -> bytes | None:
        """Return the PEM of a member, or None when the operator is not in the committee."""
        for operator in self.committee:
            if operator.operator_id == operator_id:
                return operator.public_key
        return None
