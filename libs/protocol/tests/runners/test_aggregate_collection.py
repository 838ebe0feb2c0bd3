"""The questions for a batch of selected validators, and the value that their answers make."""

from libs.protocol.tests.runners.aggregation_world import (
    BLOCK_ROOT,
    BOOLE,
    aggregate,
    aggregator,
    answer,
    contribution,
    contributor,
    proof_keys,
    slot_selection,
    sync_selection,
)
from libs.protocol.tests.runners.world import A, B
from libs.protocol.tests.signing.world import CHAIN, NETWORK

from ssv_protocol.beacon_chain import BeaconFork
from ssv_protocol.effects import FetchAggregate, FetchBlockRoot, FetchContribution, FetchedAggregate, FetchFailed
from ssv_protocol.fetches import AT_ONCE
from ssv_protocol.runners.aggregate_collection import AggregateCollection, Candidate, Selected
from ssv_protocol.types.aggregator_committee_data import AssignedAggregator
from ssv_protocol.types.ids import BlsSignature, ValidatorIndex

DUE, ROOT_DUE = CHAIN.in_slot(BOOLE, 2 / 3), CHAIN.in_slot(BOOLE, 1 / 3)


def proof(number: int) -> BlsSignature:
    return BlsSignature(bytes([number]) * 96)


def aggregating(index: ValidatorIndex, committee: int, number: int) -> Selected:
    item = slot_selection(index)
    return Selected(proof_keys(item)[0], Candidate(aggregator(index, committee=committee), item), proof(number))


def contributing(index: ValidatorIndex, subcommittee: int, number: int) -> Selected:
    item = sync_selection(subcommittee, index)
    return Selected(proof_keys(item)[0], Candidate(contributor(index), item), proof(number))


def collection(*selected: Selected) -> AggregateCollection:
    return AggregateCollection(NETWORK, BOOLE, selected)


def test_each_committee_and_subcommittee_is_asked_for_once_when_it_is_due() -> None:
    machine = collection(
        aggregating(A, 7, 1), contributing(A, 1, 2), aggregating(B, 7, 3), contributing(B, 1, 4), contributing(A, 0, 5)
    )
    assert machine.start() == [FetchAggregate(BOOLE, 7, DUE), FetchBlockRoot(BOOLE, ROOT_DUE)]
    assert machine.answer(answer(FetchBlockRoot(BOOLE, ROOT_DUE))) == [
        FetchContribution(BOOLE, 1, BLOCK_ROOT, DUE),
        FetchContribution(BOOLE, 0, BLOCK_ROOT, DUE),
    ]
    assert not machine.complete


def test_the_value_has_everybody_in_the_order_of_selection_and_every_object_once() -> None:
    machine = collection(
        aggregating(B, 9, 1), contributing(B, 1, 2), aggregating(A, 7, 3), contributing(A, 1, 4), contributing(A, 0, 5)
    )
    questions = machine.start()
    for question in questions:  # grows while it is answered
        questions += machine.answer(answer(question))
    assert machine.complete
    value = machine.value()
    value.validate()
    assert value.version == BeaconFork.FULU
    assert value.aggregators == (AssignedAggregator(B, proof(1), 9), AssignedAggregator(A, proof(3), 7))
    assert value.aggregator_committee_indexes == (9, 7)
    assert value.aggregated_attestations == (aggregate(9).encode(), aggregate(7).encode())
    assert value.contributors == (
        AssignedAggregator(B, proof(2), 1),
        AssignedAggregator(A, proof(4), 1),
        AssignedAggregator(A, proof(5), 0),
    )
    assert value.sync_committee_contributions == (contribution(1), contribution(0))


def test_what_failed_costs_only_those_who_needed_it() -> None:
    lost, kept, without = aggregating(A, 7, 1), aggregating(B, 9, 2), contributing(A, 1, 3)
    machine = collection(lost, kept, without)
    machine.start()
    machine.answer(FetchFailed(FetchAggregate(BOOLE, 7, DUE)))
    machine.answer(answer(FetchAggregate(BOOLE, 9, DUE)))
    machine.answer(FetchFailed(FetchBlockRoot(BOOLE, ROOT_DUE)))
    assert machine.complete
    assert [machine.found(one) for one in (lost, kept, without)] == [False, True, False]
    value = machine.value()
    value.validate()
    assert [place.validator_index for place in value.aggregators] == [B]
    assert value.contributors == ()


def test_an_answer_counts_once_and_only_to_a_question_that_was_asked() -> None:
    machine = collection(aggregating(A, 7, 1))
    (question,) = machine.start()
    assert isinstance(question, FetchAggregate)
    for stranger in (FetchAggregate(BOOLE, 8, DUE), FetchAggregate(BOOLE, 7, AT_ONCE)):
        machine.answer(FetchedAggregate(stranger, aggregate(8)))
    assert not machine.complete
    machine.answer(FetchedAggregate(question, aggregate(7)))
    machine.answer(FetchedAggregate(question, aggregate(8)))
    assert machine.value().aggregated_attestations == (aggregate(7).encode(),)
