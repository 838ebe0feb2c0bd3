"""Which objects follow from a decided value, where the runners' tests do not tell."""

from dataclasses import replace

import pytest
from libs.protocol.tests.signing.world import CHAIN, CLOCK, vote_for
from libs.protocol.tests.types.samples import ELECTRA_ATTESTATION, SIGNATURE, contribution, duty

from ssv_protocol.beacon_chain import BeaconFork, ScheduledFork
from ssv_protocol.signing.objects import AttestationObject, aggregator_committee_objects, committee_objects
from ssv_protocol.types.aggregator_committee_data import AggregatorCommitteeConsensusData, AssignedAggregator
from ssv_protocol.types.ids import Epoch, ForkVersion, ValidatorIndex
from ssv_protocol.types.roles import BeaconRole

VOTE = vote_for(CLOCK)
AGGREGATOR, CONTRIBUTOR = BeaconRole.AGGREGATOR, BeaconRole.SYNC_COMMITTEE_CONTRIBUTION


@pytest.mark.parametrize(("fork", "index"), [(BeaconFork.DENEB, 5), (BeaconFork.ELECTRA, 0), (BeaconFork.FULU, 0)])
def test_an_attestation_names_its_committee_until_electra(fork: BeaconFork, index: int) -> None:
    chain = replace(CHAIN, forks=(ScheduledFork(fork, ForkVersion(bytes(4)), Epoch(0)),))
    attester = replace(duty(BeaconRole.ATTESTER, slot=CLOCK), committee_index=5)
    (item,) = committee_objects(chain, CLOCK, VOTE, (attester,))
    assert isinstance(item, AttestationObject)
    assert item.data.index == index


def test_a_vote_is_about_no_duty_but_attestation_and_sync_message() -> None:
    assert committee_objects(CHAIN, CLOCK, VOTE, (duty(BeaconRole.PROPOSER, slot=CLOCK),)) == ()


def test_validators_without_the_duty_are_left_out_of_a_decided_aggregation() -> None:
    data = AggregatorCommitteeConsensusData(
        version=BeaconFork.ELECTRA,
        aggregators=(AssignedAggregator(ValidatorIndex(1), SIGNATURE, 3),),
        aggregator_committee_indexes=(3,),
        aggregated_attestations=(ELECTRA_ATTESTATION.encode(),),
        contributors=(AssignedAggregator(ValidatorIndex(2), SIGNATURE, 0),),
        sync_committee_contributions=(contribution(0),),
    )
    swapped = (duty(AGGREGATOR, slot=CLOCK, validator=2), duty(CONTRIBUTOR, slot=CLOCK, validator=1))
    assert aggregator_committee_objects(CHAIN, CLOCK, data, swapped) == ()
    known = (duty(AGGREGATOR, slot=CLOCK, validator=1), duty(CONTRIBUTOR, slot=CLOCK, validator=2))
    objects = aggregator_committee_objects(CHAIN, CLOCK, data, known)
    assert [item.duty for item in objects] == list(known)
