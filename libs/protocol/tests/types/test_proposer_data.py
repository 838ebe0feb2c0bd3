import pytest
from hypothesis import given
from libs.protocol.tests.types.samples import duty
from libs.protocol.tests.types.strategies import values_of
from libs.protocol.tests.types.test_ssz import few

from ssv_protocol.beacon_chain import BeaconFork
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.types.beacon import electra
from ssv_protocol.types.proposer_data import ProposerConsensusData
from ssv_protocol.types.roles import BeaconRole


@given(block=values_of(electra.BlindedBeaconBlock))
@few
def test_a_proposer_with_a_block_is_valid(block: electra.BlindedBeaconBlock) -> None:
    value = ProposerConsensusData(duty(BeaconRole.PROPOSER), BeaconFork.FULU, block.encode())
    value.validate()
    assert value.proposal().value == block


@pytest.mark.parametrize(
    ("role", "version", "expected"),
    [
        (BeaconRole.ATTESTER, 6, Reason.UNKNOWN_DUTY_ROLE_DATA),
        (BeaconRole.PROPOSER, 0, Reason.UNKNOWN_BLOCK_VERSION),
        (BeaconRole.PROPOSER, 3, Reason.UNKNOWN_BLOCK_VERSION),
        (BeaconRole.PROPOSER, 8, Reason.UNKNOWN_BLOCK_VERSION),
        (BeaconRole.PROPOSER, 6, Reason.SSZ_DECODE),
    ],
)
def test_what_is_no_proposal_is_refused(role: BeaconRole, version: int, expected: Reason) -> None:
    with pytest.raises(ProtocolError) as error:
        ProposerConsensusData(duty(role), version, b"no block").validate()
    assert error.value.reason is expected
