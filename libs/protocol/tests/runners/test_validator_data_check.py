from dataclasses import replace

import pytest
from libs.protocol.tests.runners.aggregation_world import aggregate, aggregator
from libs.protocol.tests.runners.world import A, B, validator_key
from libs.protocol.tests.signing.world import CHAIN, CLOCK, SLOTS_PER_EPOCH
from libs.protocol.tests.types.samples import SIGNATURE

from ssv_protocol.beacon_chain import BeaconFork
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.runners.validator_data_check import ValidatorDataCheck
from ssv_protocol.types.beacon.attestation import ElectraAggregateAndProof
from ssv_protocol.types.ids import Slot
from ssv_protocol.types.roles import BeaconRole
from ssv_protocol.types.validator_data import ValidatorConsensusData

DUTY = aggregator(A, CLOCK)
EPOCH = CHAIN.epoch_of(CLOCK)
CHECK = ValidatorDataCheck(BeaconRole.AGGREGATOR, validator_key(A).public_key(), A, CHAIN, lambda: EPOCH)
VALUE = ValidatorConsensusData(DUTY, BeaconFork.FULU, ElectraAggregateAndProof(A, aggregate(2), SIGNATURE).encode())


def test_an_aggregate_for_the_validators_duty_is_agreed_to_up_to_an_epoch_ahead() -> None:
    CHECK(VALUE.encode())
    CHECK(replace(VALUE, duty=replace(DUTY, slot=Slot(CLOCK + SLOTS_PER_EPOCH))).encode())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (VALUE.encode()[:-1], Reason.VALUE_INVALID),
        (VALUE.encode()[:10], Reason.SSZ_DECODE),
        (replace(VALUE, version=0).encode(), Reason.VALUE_INVALID),
        (
            replace(VALUE, duty=replace(DUTY, slot=Slot(CLOCK + 2 * SLOTS_PER_EPOCH))).encode(),
            Reason.DUTY_EPOCH_TOO_FAR,
        ),
        (
            replace(VALUE, duty=replace(DUTY, type=BeaconRole.SYNC_COMMITTEE_CONTRIBUTION), data=b"").encode(),
            Reason.DUTY_ROLE,
        ),
        (
            replace(VALUE, duty=replace(DUTY, pubkey=validator_key(B).public_key())).encode(),
            Reason.DUTY_VALIDATOR_PUBKEY,
        ),
        (replace(VALUE, duty=replace(DUTY, validator_index=B)).encode(), Reason.DUTY_VALIDATOR_INDEX),
    ],
)
def test_anything_else_is_refused_by_its_own_reason(value: bytes, expected: Reason) -> None:
    with pytest.raises(ProtocolError) as refused:
        CHECK(value)
    assert refused.value.reason is expected
