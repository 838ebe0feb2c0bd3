"""May this committee agree on these aggregates and contributions? The value check of role 6.

A value passes when it is well-formed: every validator has its object and every object its validator. It is not held
against the own duties, because operators may know different sets of validators and have received different selection
proofs. None of the objects can be slashed.

Source: ssv-spec ssv/value_check.go; SIP "aggregator committee consensus".
"""

from __future__ import annotations

from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.types.aggregator_committee_data import AggregatorCommitteeConsensusData


def check_aggregator_data(value: bytes) -> None:
    """Raise unless `value` is one that this operator agrees to.

    Raises:
        ProtocolError: AGGREGATOR_DATA_DECODE, and those of `AggregatorCommitteeConsensusData.validate`.
    """
    decode_aggregator_data(value).validate()


def decode_aggregator_data(value: bytes) -> AggregatorCommitteeConsensusData:
    """Decode a value; raises ProtocolError AGGREGATOR_DATA_DECODE."""
    try:
        return AggregatorCommitteeConsensusData.decode(value)
    except ProtocolError as error:
        raise ProtocolError(Reason.AGGREGATOR_DATA_DECODE, error.detail) from None
