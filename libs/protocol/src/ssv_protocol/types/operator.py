"""Operators and one operator's view of its committee.

The public key is the PEM text of the RSA key: a SubjectPublicKeyInfo under the label "RSA PUBLIC KEY",
459 bytes with the final newline.

Source: ssv-spec types/operator.go.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import Annotated

from ssz.sedes import ByteVector, bytes4, bytes32, uint64

from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.types.committee import COMMITTEE_SIZES, committee_id, faulty_nodes, partial_quorum, quorum
from ssv_protocol.types.domain import SPEC_DOMAINS
from ssv_protocol.types.ids import CommitteeId, DomainType, OperatorId
from ssv_protocol.types.messages import MAX_COMMITTEE
from ssv_protocol.types.ssz import SszContainer, list_of

OPERATOR_KEY_PEM_BYTES = 459
NO_OPERATOR_KEY = bytes(OPERATOR_KEY_PEM_BYTES)
"""Stands where a member has no usable key: it left the network, or registered with nonsense."""


@dataclass(frozen=True, slots=True)
class Operator(SszContainer):
    """An operator of the network: its id and RSA public key (PEM)."""

    operator_id: Annotated[OperatorId, uint64]
    public_key: Annotated[bytes, ByteVector(OPERATOR_KEY_PEM_BYTES)]

    def validate(self) -> None:
        """Check the id (Boole); raises ProtocolError OPERATOR_INVALID."""
        if self.operator_id == 0:
            raise ProtocolError(Reason.OPERATOR_INVALID, "operator 0")


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

    @property
    def partial_quorum(self) -> int:
        """Signers of whom at least one is honest: f + 1."""
        return partial_quorum(len(self.committee))

    def validate(self, known_domains: Container[DomainType] = SPEC_DOMAINS) -> None:
        """Check that the seat belongs to a well-formed committee (Boole).

        Raises:
            ProtocolError: COMMITTEE_MEMBER_INVALID.
        """
        problem = self._problem(known_domains)
        if problem:
            raise ProtocolError(Reason.COMMITTEE_MEMBER_INVALID, problem)

    def _problem(self, known_domains: Container[DomainType]) -> str | None:
        ids = self.operator_ids
        if len(ids) not in COMMITTEE_SIZES or self.faulty_nodes != faulty_nodes(len(ids)):
            return f"{len(ids)} operators with {self.faulty_nodes} faulty nodes"
        if 0 in ids:
            return "operator 0"
        if len(set(ids)) != len(ids):
            return "an operator is twice in the committee"
        if self.operator_id not in ids:
            return f"operator {self.operator_id} is not in its committee"
        if committee_id(ids) != self.committee_id:
            return "the committee id is not that of the operators"
        if self.domain not in known_domains:
            return f"unknown domain {self.domain.hex()}"
        return None

    def public_key_of(self, operator_id: OperatorId) -> bytes | None:
        """Return the PEM of a member, or None when it is no member or has no usable key."""
        for operator in self.committee:
            if operator.operator_id == operator_id:
                return None if operator.public_key == NO_OPERATOR_KEY else operator.public_key
        return None
