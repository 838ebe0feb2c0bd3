from dataclasses import replace

import pytest

from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.types.committee import committee_id
from ssv_protocol.types.ids import CommitteeId, DomainType, OperatorId
from ssv_protocol.types.operator import OPERATOR_KEY_PEM_BYTES, CommitteeMember, Operator

PEM = b"k" * OPERATOR_KEY_PEM_BYTES


def seat(*ids: int, own: int = 1) -> CommitteeMember:
    operators = tuple(Operator(OperatorId(i), PEM) for i in ids)
    return CommitteeMember(
        operator_id=OperatorId(own),
        committee_id=committee_id(operator.operator_id for operator in operators),
        public_key=PEM,
        faulty_nodes=(len(ids) - 1) // 3,
        committee=operators,
        domain=DomainType(bytes.fromhex("00000001")),
    )


SEAT = seat(1, 2, 3, 4)


@pytest.mark.parametrize(("size", "quorum", "partial"), [(4, 3, 2), (7, 5, 3), (10, 7, 4), (13, 9, 5)])
def test_committees_of_the_contract_are_valid(size: int, quorum: int, partial: int) -> None:
    member = seat(*range(1, size + 1))
    member.validate()
    assert (member.quorum, member.partial_quorum) == (quorum, partial)


@pytest.mark.parametrize(
    "broken",
    [
        replace(SEAT, operator_id=OperatorId(0)),
        replace(SEAT, operator_id=OperatorId(9)),
        replace(SEAT, committee=()),
        seat(1, 2, 3, 4, 5),
        seat(1),
        replace(SEAT, faulty_nodes=0),
        seat(1, 2, 3, 3),
        seat(0, 1, 2, 3),
        replace(SEAT, committee_id=CommitteeId(bytes(32))),
        replace(SEAT, domain=DomainType(b"\xff" * 4)),
    ],
)
def test_a_broken_seat_is_refused(broken: CommitteeMember) -> None:
    with pytest.raises(ProtocolError) as error:
        broken.validate()
    assert error.value.reason is Reason.COMMITTEE_MEMBER_INVALID


def test_operator_zero_is_no_operator() -> None:
    Operator(OperatorId(1), PEM).validate()
    with pytest.raises(ProtocolError) as error:
        Operator(OperatorId(0), PEM).validate()
    assert error.value.reason is Reason.OPERATOR_INVALID
