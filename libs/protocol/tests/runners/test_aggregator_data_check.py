from dataclasses import replace

import pytest
from libs.protocol.tests.types.test_aggregator_committee_data import VALUE

from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.runners.aggregator_data_check import check_aggregator_data, decode_aggregator_data


def test_a_well_formed_value_is_agreed_to() -> None:
    check_aggregator_data(VALUE.encode())
    assert decode_aggregator_data(VALUE.encode()) == VALUE


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"", Reason.AGGREGATOR_DATA_DECODE),
        (VALUE.encode()[:-1], Reason.AGGREGATOR_DATA_DECODE),
        (replace(VALUE, aggregators=(), contributors=()).encode(), Reason.AGGREGATOR_DATA_EMPTY),
        (replace(VALUE, sync_committee_contributions=()).encode(), Reason.CONTRIBUTION_SUBNET_UNLISTED),
    ],
)
def test_anything_else_is_refused_by_its_own_reason(value: bytes, expected: Reason) -> None:
    with pytest.raises(ProtocolError) as refused:
        check_aggregator_data(value)
    assert refused.value.reason is expected
