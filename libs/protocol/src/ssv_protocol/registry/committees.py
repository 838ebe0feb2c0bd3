"""Protocol types made from the registry: an operator's seat in a committee, its share of a validator.

An operator that left the network, or registered without a usable RSA key, keeps its seat: size, quorum and
leader order of a committee never change. Its key is `NO_OPERATOR_KEY`, which no signature verifies against.

Source: ssv-spec types/operator.go, types/share.go; ssvlabs/ssv protocol/v2/ssv/validator.
"""

from collections.abc import Sequence

from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.registry.state import RegistryState, ValidatorRecord
from ssv_protocol.types.committee import COMMITTEE_SIZES, committee_id, faulty_nodes, quorum
from ssv_protocol.types.ids import DomainType, OperatorId, ValidatorIndex
from ssv_protocol.types.operator import NO_OPERATOR_KEY, CommitteeMember, Operator
from ssv_protocol.types.share import Share, ShareMember

_NO_GRAFFITI = bytes(32)


def committee_member(
    state: RegistryState, operator_id: OperatorId, operator_ids: Sequence[OperatorId], domain: DomainType
) -> CommitteeMember:
    """Return the seat of `operator_id` in the committee of `operator_ids`, members by ascending id.

    Raises:
        ProtocolError: COMMITTEE_MEMBER_INVALID when the operator has no seat or no key, the ids make no
            committee, or fewer members than a quorum are left.
    """
    members = tuple(Operator(member, _public_pem(state, member)) for member in sorted(operator_ids))
    size = len(members)
    if size not in COMMITTEE_SIZES or len(set(operator_ids)) != size:
        raise ProtocolError(Reason.COMMITTEE_MEMBER_INVALID, f"no committee of operators {operator_ids}")
    if operator_id not in operator_ids:
        raise ProtocolError(Reason.COMMITTEE_MEMBER_INVALID, f"operator {operator_id} is not in the committee")
    own_pem = _public_pem(state, operator_id)
    if own_pem == NO_OPERATOR_KEY:
        raise ProtocolError(Reason.COMMITTEE_MEMBER_INVALID, f"operator {operator_id} has no key")
    active = sum(member.public_key != NO_OPERATOR_KEY for member in members)
    if active < quorum(size):
        raise ProtocolError(Reason.COMMITTEE_MEMBER_INVALID, f"{active} of {size} operators are left: no quorum")
    return CommitteeMember(operator_id, committee_id(operator_ids), own_pem, faulty_nodes(size), members, domain)


def share_of(
    state: RegistryState,
    record: ValidatorRecord,
    operator_id: OperatorId,
    validator_index: ValidatorIndex,
    domain: DomainType,
) -> Share:
    """Return the operator's view of a validator; the index comes from the beacon chain.

    Raises:
        ProtocolError: SHARE_INVALID when the operator is not in the committee.
    """
    members = tuple(
        ShareMember(share_pubkey, member)
        for member, share_pubkey in zip(record.operator_ids, record.share_public_keys, strict=True)
    )
    own = next((member.share_pubkey for member in members if member.signer == operator_id), None)
    if own is None:
        raise ProtocolError(Reason.SHARE_INVALID, f"operator {operator_id} is not in the committee")
    fee_recipient = state.fee_recipient(record.owner)
    return Share(validator_index, record.public_key, own, members, domain, fee_recipient, _NO_GRAFFITI)


def _public_pem(state: RegistryState, operator_id: OperatorId) -> bytes:
    record = state.operators.get(operator_id)
    return NO_OPERATOR_KEY if record is None or record.public_pem is None else record.public_pem
