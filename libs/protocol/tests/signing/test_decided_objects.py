from __future__ import annotations

from dataclasses import replace

import pytest
from libs.protocol.tests.runners.validator_world import full_block, value_of
from libs.protocol.tests.signing import requests
from libs.protocol.tests.signing.world import BOOLE_EPOCH, CHAIN, CLOCK, Decision, message_id, vote_for
from libs.protocol.tests.types.samples import (
    ELECTRA_ATTESTATION,
    PHASE0_ATTESTATION,
    SIGNATURE,
    contribution,
    duty,
)

from ssv_protocol.beacon_chain import BeaconFork
from ssv_protocol.effects import PostConsensusDraft
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.signing.decided_objects import DUTY_TYPES, decided_objects
from ssv_protocol.signing.objects import (
    aggregate_object,
    aggregator_committee_objects,
    block_object,
    committee_objects,
    contribution_objects,
)
from ssv_protocol.types.aggregator_committee_data import AggregatorCommitteeConsensusData, AssignedAggregator
from ssv_protocol.types.beacon.attestation import ElectraAggregateAndProof
from ssv_protocol.types.contributions import Contribution, encode_contributions
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import ValidatorIndex
from ssv_protocol.types.roles import BeaconRole, RunnerRole
from ssv_protocol.types.validator_data import ValidatorConsensusData

VOTE = vote_for(CLOCK)
BLOCK = full_block()
AGGREGATE = ElectraAggregateAndProof(ValidatorIndex(1), ELECTRA_ATTESTATION, SIGNATURE)
CONTRIBUTIONS = (Contribution(SIGNATURE, contribution(0)), Contribution(SIGNATURE, contribution(2)))
AGGREGATOR, CONTRIBUTOR = BeaconRole.AGGREGATOR, BeaconRole.SYNC_COMMITTEE_CONTRIBUTION


def of(role: BeaconRole, index: int = 1) -> ValidatorDuty:
    return duty(role, slot=CLOCK, validator=index)


def alan(kind: BeaconRole, data: bytes) -> bytes:
    return ValidatorConsensusData(of(kind), BeaconFork.ELECTRA, data).encode()


COMMITTEE_DATA = AggregatorCommitteeConsensusData(
    version=BeaconFork.ELECTRA,
    aggregators=(AssignedAggregator(ValidatorIndex(1), SIGNATURE, 3),),
    aggregator_committee_indexes=(3,),
    aggregated_attestations=(ELECTRA_ATTESTATION.encode(),),
    contributors=(AssignedAggregator(ValidatorIndex(2), SIGNATURE, 0),),
    sync_committee_contributions=(contribution(0),),
)
GOOD = {
    RunnerRole.COMMITTEE: VOTE.encode(),
    RunnerRole.AGGREGATOR: alan(AGGREGATOR, AGGREGATE.encode()),
    RunnerRole.PROPOSER: value_of(BLOCK),
    RunnerRole.SYNC_COMMITTEE_CONTRIBUTION: alan(CONTRIBUTOR, encode_contributions(CONTRIBUTIONS)),
    RunnerRole.AGGREGATOR_COMMITTEE: COMMITTEE_DATA.encode(),
}


def test_every_role_that_decides_derives_what_its_runner_expects() -> None:
    attester, sync = of(BeaconRole.ATTESTER), of(BeaconRole.SYNC_COMMITTEE, 2)
    aggregator, proposer, contributor = of(AGGREGATOR), of(BeaconRole.PROPOSER), of(CONTRIBUTOR)
    both = (aggregator, of(CONTRIBUTOR, 2))
    expected = {
        RunnerRole.COMMITTEE: ((attester, sync), committee_objects(CHAIN, CLOCK, VOTE, (attester, sync))),
        RunnerRole.AGGREGATOR: ((aggregator,), (aggregate_object(CHAIN, CLOCK, AGGREGATE, aggregator),)),
        RunnerRole.PROPOSER: ((proposer,), (block_object(CHAIN, CLOCK, BLOCK, proposer),)),
        RunnerRole.SYNC_COMMITTEE_CONTRIBUTION: (
            (contributor,),
            contribution_objects(CHAIN, CLOCK, CONTRIBUTIONS, contributor),
        ),
        RunnerRole.AGGREGATOR_COMMITTEE: (both, aggregator_committee_objects(CHAIN, CLOCK, COMMITTEE_DATA, both)),
    }
    assert set(expected) == set(DUTY_TYPES)
    for role, (duties, objects) in expected.items():
        assert objects
        assert decided_objects(CHAIN, role, CLOCK, GOOD[role], duties) == objects


def test_an_aggregator_committee_signs_for_both_of_its_duties() -> None:
    slot = CHAIN.first_slot(BOOLE_EPOCH)
    identifier = message_id(RunnerRole.AGGREGATOR_COMMITTEE, slot)
    decided = Decision(COMMITTEE_DATA.encode(), slot, inner_id=identifier, outer_id=identifier).signed()
    duties = (requests.duty(1, AGGREGATOR, slot), requests.duty(2, CONTRIBUTOR, slot))
    verdict = requests.judge(PostConsensusDraft(identifier, slot, decided, duties), clock=slot)
    assert verdict.denied == ()
    assert verdict.record is not None
    assert [item.validator_index for item in verdict.record.items] == [1, 2]


def test_both_forms_of_a_block_have_one_signing_root() -> None:
    proposer = of(BeaconRole.PROPOSER)
    (full,) = decided_objects(CHAIN, RunnerRole.PROPOSER, CLOCK, value_of(BLOCK), (proposer,))
    (blinded,) = decided_objects(CHAIN, RunnerRole.PROPOSER, CLOCK, value_of(BLOCK.blind()), (proposer,))
    assert full.signing_root == blinded.signing_root


NO_AGGREGATES = replace(COMMITTEE_DATA, aggregators=(), contributors=())
BAD = [
    (
        RunnerRole.COMMITTEE,
        vote_for(CLOCK, source=10, target=10).encode(),
        Reason.ATTESTATION_SOURCE_NOT_BEFORE_TARGET,
    ),
    (RunnerRole.AGGREGATOR, alan(CONTRIBUTOR, AGGREGATE.encode()), Reason.DUTY_ROLE),
    (RunnerRole.AGGREGATOR, alan(AGGREGATOR, PHASE0_ATTESTATION.encode()), Reason.SSZ_DECODE),
    (
        RunnerRole.PROPOSER,
        value_of(BLOCK, replace(of(BeaconRole.PROPOSER), type=BeaconRole.ATTESTER)),
        Reason.UNKNOWN_DUTY_ROLE_DATA,
    ),
    (
        RunnerRole.SYNC_COMMITTEE_CONTRIBUTION,
        alan(AGGREGATOR, encode_contributions(CONTRIBUTIONS)),
        Reason.DUTY_ROLE,
    ),
    (RunnerRole.AGGREGATOR_COMMITTEE, NO_AGGREGATES.encode(), Reason.AGGREGATOR_DATA_EMPTY),
    (
        RunnerRole.AGGREGATOR_COMMITTEE,
        replace(COMMITTEE_DATA, aggregator_committee_indexes=(4,)).encode(),
        Reason.AGGREGATOR_INDEX_UNLISTED,
    ),
    (RunnerRole.VOLUNTARY_EXIT, b"", Reason.NO_POST_CONSENSUS_PHASE),
    *((role, b"\x01" * 7, Reason.SSZ_DECODE) for role in DUTY_TYPES),
]


@pytest.mark.parametrize(("role", "value", "reason"), BAD)
def test_a_value_that_is_not_in_order_is_refused_whole_even_without_duties(
    role: RunnerRole, value: bytes, reason: Reason
) -> None:
    with pytest.raises(ProtocolError) as caught:
        decided_objects(CHAIN, role, CLOCK, value, ())
    assert caught.value.reason is reason
