from dataclasses import replace

import pytest
from libs.protocol.tests.types.samples import (
    ELECTRA_ATTESTATION,
    PHASE0_ATTESTATION,
    SIGNATURE,
    contribution,
)

from ssv_protocol.beacon_chain import BeaconFork
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.types.aggregator_committee_data import AggregatorCommitteeConsensusData, AssignedAggregator
from ssv_protocol.types.beacon.attestation import ElectraAggregateAndProof, Phase0AggregateAndProof
from ssv_protocol.types.beacon.sync_committee import ContributionAndProof
from ssv_protocol.types.ids import ValidatorIndex


def assigned(validator: int, index: int) -> AssignedAggregator:
    return AssignedAggregator(ValidatorIndex(validator), SIGNATURE, index)


ENCODED = ELECTRA_ATTESTATION.encode()
VALUE = AggregatorCommitteeConsensusData(
    version=BeaconFork.ELECTRA,
    aggregators=(assigned(1, 3), assigned(2, 5), assigned(4, 3)),
    aggregator_committee_indexes=(3, 5),
    aggregated_attestations=(ENCODED, ENCODED),
    contributors=(assigned(1, 0), assigned(7, 2)),
    sync_committee_contributions=(contribution(2), contribution(0)),
)


def test_everything_listed_is_used_and_the_other_way_round() -> None:
    VALUE.validate()


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        (replace(VALUE, aggregators=(), contributors=()), Reason.AGGREGATOR_DATA_EMPTY),
        (replace(VALUE, aggregated_attestations=(ENCODED,)), Reason.AGGREGATOR_INDEX_COUNT),
        (replace(VALUE, aggregator_committee_indexes=(3, 3)), Reason.AGGREGATOR_INDEX_DUPLICATE),
        (replace(VALUE, aggregators=(assigned(1, 9),)), Reason.AGGREGATOR_INDEX_UNLISTED),
        (replace(VALUE, aggregators=(assigned(1, 3),)), Reason.AGGREGATOR_INDEX_UNUSED),
        (replace(VALUE, aggregators=()), Reason.AGGREGATOR_INDEX_UNUSED),
        (
            replace(VALUE, aggregated_attestations=(ENCODED, ENCODED[:-1])),
            Reason.AGGREGATOR_ATTESTATION_DECODE,
        ),
        (replace(VALUE, version=BeaconFork.DENEB), Reason.AGGREGATOR_ATTESTATION_DECODE),
        (
            replace(VALUE, sync_committee_contributions=(contribution(2), contribution(2))),
            Reason.CONTRIBUTION_SUBNET_DUPLICATE,
        ),
        (replace(VALUE, contributors=(assigned(1, 1),)), Reason.CONTRIBUTION_SUBNET_UNLISTED),
        (replace(VALUE, contributors=(assigned(1, 0),)), Reason.CONTRIBUTION_SUBNET_UNUSED),
    ],
)
def test_what_does_not_fit_is_refused(broken: AggregatorCommitteeConsensusData, expected: Reason) -> None:
    with pytest.raises(ProtocolError) as error:
        broken.validate()
    assert error.value.reason is expected


def test_each_aggregator_signs_the_aggregate_of_its_committee() -> None:
    aggregates = VALUE.aggregates_and_proofs()
    assert aggregates == tuple(
        ElectraAggregateAndProof(ValidatorIndex(i), ELECTRA_ATTESTATION, SIGNATURE) for i in (1, 2, 4)
    )
    early = replace(VALUE, version=BeaconFork.DENEB, aggregated_attestations=(PHASE0_ATTESTATION.encode(),) * 2)
    early.validate()
    assert early.aggregates_and_proofs()[0] == Phase0AggregateAndProof(ValidatorIndex(1), PHASE0_ATTESTATION, SIGNATURE)


def test_each_contributor_signs_the_contribution_of_its_subnet() -> None:
    assert VALUE.contributions_and_proofs() == (
        ContributionAndProof(ValidatorIndex(1), contribution(0), SIGNATURE),
        ContributionAndProof(ValidatorIndex(7), contribution(2), SIGNATURE),
    )


@pytest.mark.parametrize("version", [0, 8])
def test_aggregates_of_no_known_fork_are_not_signed(version: int) -> None:
    with pytest.raises(ProtocolError) as error:
        replace(VALUE, version=version).aggregates_and_proofs()
    assert error.value.reason is Reason.UNKNOWN_BLOCK_VERSION


def test_an_aggregator_without_aggregate_is_refused() -> None:
    with pytest.raises(ProtocolError) as error:
        replace(VALUE, aggregators=(assigned(1, 9),)).aggregates_and_proofs()
    assert error.value.reason is Reason.AGGREGATOR_INDEX_UNLISTED
    with pytest.raises(ProtocolError) as error:
        replace(VALUE, contributors=(assigned(1, 1),)).contributions_and_proofs()
    assert error.value.reason is Reason.CONTRIBUTION_SUBNET_UNLISTED
