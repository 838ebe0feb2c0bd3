"""A validator's key, split: what an operator knows of its own share and of the others' public keys.

The secret share is not here.

Source: ssv-spec types/share.go.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import Annotated

from ssz.sedes import bytes4, bytes32, bytes48, uint64

from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.types.domain import SPEC_DOMAINS
from ssv_protocol.types.ids import BlsPublicKey, DomainType, ExecutionAddress, OperatorId, ValidatorIndex
from ssv_protocol.types.messages import MAX_COMMITTEE
from ssv_protocol.types.ssz import SszContainer, bytes20, list_of

_ZERO_PUBKEY = bytes(48)


@dataclass(frozen=True, slots=True)
class ShareMember(SszContainer):
    """The public key of one operator's share of the validator key."""

    share_pubkey: Annotated[BlsPublicKey, bytes48]
    signer: Annotated[OperatorId, uint64]


@dataclass(frozen=True, slots=True)
class Share(SszContainer):
    """One operator's share of one validator, with the share keys of the whole committee."""

    validator_index: Annotated[ValidatorIndex, uint64]
    validator_pubkey: Annotated[BlsPublicKey, bytes48]
    share_pubkey: Annotated[BlsPublicKey, bytes48]
    committee: Annotated[tuple[ShareMember, ...], list_of(ShareMember, MAX_COMMITTEE)]
    domain: Annotated[DomainType, bytes4]
    fee_recipient: Annotated[ExecutionAddress, bytes20]
    graffiti: Annotated[bytes, bytes32]

    def validate(self, known_domains: Container[DomainType] = SPEC_DOMAINS) -> None:
        """Check the share (Boole).

        Raises:
            ProtocolError: SHARE_INVALID.
        """
        if self.validator_pubkey == _ZERO_PUBKEY:
            raise ProtocolError(Reason.SHARE_INVALID, "zero validator public key")
        if not self.committee:
            raise ProtocolError(Reason.SHARE_INVALID, "empty committee")
        signers = [member.signer for member in self.committee]
        if 0 in signers:
            raise ProtocolError(Reason.SHARE_INVALID, "operator 0 in the committee")
        if len(set(signers)) != len(signers):
            raise ProtocolError(Reason.SHARE_INVALID, "an operator is twice in the committee")
        if self.domain not in known_domains:
            raise ProtocolError(Reason.SHARE_INVALID, f"unknown domain {self.domain.hex()}")

    def share_pubkey_of(self, operator_id: OperatorId) -> BlsPublicKey | None:
        """Return the public key of a member's share, or None when the operator is not in the committee."""
        for member in self.committee:
            if member.signer == operator_id:
                return member.share_pubkey
        return None
