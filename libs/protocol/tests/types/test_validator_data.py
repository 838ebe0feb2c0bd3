import pytest
from libs.protocol.tests.types.samples import (
    ELECTRA_ATTESTATION,
    PHASE0_ATTESTATION,
    SIGNATURE,
    contribution,
    duty,
)

from ssv_protocol.beacon_chain import BeaconFork
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.types.beacon.attestation import ElectraAggregateAndProof, Phase0AggregateAndProof
from ssv_protocol.types.contributions import Contribution, encode_contributions
from ssv_protocol.types.ids import ValidatorIndex
from ssv_protocol.types.proposer_data import ProposerConsensusData
from ssv_protocol.types.roles import BeaconRole
from ssv_protocol.types.validator_data import ValidatorConsensusData

PHASE0 = Phase0AggregateAndProof(ValidatorIndex(1), PHASE0_ATTESTATION, SIGNATURE)
ELECTRA = ElectraAggregateAndProof(ValidatorIndex(1), ELECTRA_ATTESTATION, SIGNATURE)
CONTRIBUTIONS = (Contribution(SIGNATURE, contribution(3)),)


def value(role: BeaconRole, version: int, data: bytes) -> ValidatorConsensusData:
    return ValidatorConsensusData(duty(role), version, data)


@pytest.mark.parametrize("fork", BeaconFork)
def test_an_aggregate_is_decoded_as_its_fork_wants(fork: BeaconFork) -> None:
    expected = ELECTRA if fork >= BeaconFork.ELECTRA else PHASE0
    aggregate = value(BeaconRole.AGGREGATOR, fork, expected.encode())
    aggregate.validate()
    assert aggregate.aggregate_and_proof() == expected
    signed = aggregate.aggregate_and_proof().signed(SIGNATURE)
    assert signed.encode()[4:100] == SIGNATURE


def test_contributions_are_decoded() -> None:
    data = value(BeaconRole.SYNC_COMMITTEE_CONTRIBUTION, 4, encode_contributions(CONTRIBUTIONS))
    data.validate()
    assert data.contributions() == CONTRIBUTIONS


@pytest.mark.parametrize(
    ("role", "version", "data", "expected"),
    [
        (BeaconRole.AGGREGATOR, 6, PHASE0.encode(), Reason.SSZ_DECODE),
        (BeaconRole.AGGREGATOR, 5, ELECTRA.encode(), Reason.SSZ_DECODE),
        (BeaconRole.AGGREGATOR, 0, PHASE0.encode(), Reason.UNKNOWN_VERSION),
        (BeaconRole.AGGREGATOR, 8, ELECTRA.encode(), Reason.UNKNOWN_VERSION),
        (BeaconRole.SYNC_COMMITTEE_CONTRIBUTION, 6, b"\x04", Reason.SSZ_DECODE),
        (BeaconRole.PROPOSER, 6, b"", Reason.SSZ_DECODE),
        (BeaconRole.PROPOSER, 3, b"", Reason.UNKNOWN_BLOCK_VERSION),
        (BeaconRole.VALIDATOR_REGISTRATION, 6, b"", Reason.REGISTRATION_NO_CONSENSUS_DATA),
        (BeaconRole.VOLUNTARY_EXIT, 6, b"", Reason.EXIT_NO_CONSENSUS_DATA),
        (BeaconRole.ATTESTER, 6, b"", Reason.UNKNOWN_DUTY_ROLE_DATA),
        (BeaconRole.UNKNOWN, 6, b"", Reason.UNKNOWN_DUTY_ROLE_DATA),
    ],
)
def test_data_that_does_not_fit_its_duty_is_refused(
    role: BeaconRole, version: int, data: bytes, expected: Reason
) -> None:
    with pytest.raises(ProtocolError) as error:
        value(role, version, data).validate()
    assert error.value.reason is expected


def test_both_rule_sets_have_one_layout() -> None:
    alan = value(BeaconRole.PROPOSER, 6, b"abc")
    assert ProposerConsensusData.decode(alan.encode()).encode() == alan.encode()
    assert ProposerConsensusData(alan.duty, 6, b"abc").hash_tree_root() == alan.hash_tree_root()
