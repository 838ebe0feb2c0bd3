"""A committee through 200 slots of bad weather with a liar in it, and one scenario for each thing that can go wrong.

Everything but the keys follows from the seed, which stands in the test's id and in every failure; see `conftest`.
"""

from __future__ import annotations

import pytest

from ssv_devnet.simulation.byzantine import SHARE_MISDEEDS, Misdeed
from ssv_devnet.simulation.invariants import violations
from ssv_devnet.simulation.run import simulate
from ssv_devnet.simulation.scenario import Outcome, Scenario
from ssv_devnet.simulation.weather import Partition, Weather
from ssv_protocol.errors import Reason
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.types.ids import Epoch, OperatorId, Slot

BREEZE = Weather(delay_s=(0.0, 0.2), duplicate_share=0.1)
ROUGH = Weather(
    delay_s=(0.0, 0.2), duplicate_share=0.1, storm_share=0.25, storm_drop_share=0.15, storm_delay_s=(0.0, 1.5)
)


def operators(*numbers: int) -> frozenset[OperatorId]:
    return frozenset(map(OperatorId, numbers))


def run(scenario: Scenario) -> Outcome:
    """Simulate, and hold every invariant against it."""
    outcome = simulate(scenario)
    found = violations(outcome)
    assert not found, f"seed {scenario.seed}: {found}"
    assert outcome.due
    return outcome


def test_200_slots_of_storms_with_one_byzantine_operator(seed: int) -> None:
    outcome = run(Scenario(seed, slots=200, validators=4, weather=ROUGH, byzantine=OperatorId(3), moving_duties=True))
    # the run was as bad as it should be …
    assert set(outcome.misdeeds) == set(Misdeed)
    assert outcome.lost > 0
    assert outcome.duplicated > 0
    assert max(outcome.last_rounds()) > 1
    assert outcome.missed()[MissedReason.SIGNER_REFUSED] > 0, "no signer was asked for a second vote in an epoch"
    # … and yet all that was promised was included, and some of what was not
    assert outcome.promised
    assert outcome.promised < outcome.included
    assert all(outcome.participation(oid) > 0.5 for oid in outcome.scenario.honest)


def test_clean_weather_includes_everything_in_the_first_round(one_seed: int) -> None:
    outcome = run(Scenario(one_seed))
    assert outcome.included == outcome.due == outcome.promised
    assert set(outcome.last_rounds()) == {1}
    assert not outcome.missed()
    assert all(outcome.participation(oid) == 1.0 for oid in outcome.scenario.operator_ids)
    due_sync = {(Slot(slot), outcome.world.sync_validator) for slot in range(8, 22)}
    assert due_sync <= outcome.world.sync_included


def test_a_decision_that_only_one_has_heard_of_reaches_the_others() -> None:
    """In slot 11 the Byzantine operator decides first and tells one, who then takes no further part."""
    scenario = Scenario(
        145301, 20, validators=4, weather=BREEZE, byzantine=OperatorId(2), misdeeds=(Misdeed.ONE_FRIEND,)
    )
    outcome = run(scenario)
    assert outcome.included == outcome.due


@pytest.mark.parametrize("misdeed", Misdeed)
def test_each_misdeed_alone_stops_nothing(misdeed: Misdeed, one_seed: int) -> None:
    outcome = run(
        Scenario(one_seed, slots=20, validators=4, weather=BREEZE, byzantine=OperatorId(2), misdeeds=(misdeed,))
    )
    assert outcome.misdeeds[misdeed] > 0
    assert outcome.included == outcome.due == outcome.promised


@pytest.mark.parametrize("size", [7, 10, 13])
def test_larger_committees_hold_a_byzantine_operator_and_dead_ones(size: int, one_seed: int) -> None:
    dead = operators(*range(3, 3 + (size - 1) // 3 - 1))
    outcome = run(
        Scenario(one_seed, slots=18, operators=size, validators=2, weather=BREEZE, byzantine=OperatorId(2), dead=dead)
    )
    assert outcome.included == outcome.due == outcome.promised


def test_the_round_of_a_silent_leader_is_left_and_the_duty_still_included(one_seed: int) -> None:
    outcome = run(Scenario(one_seed, byzantine=OperatorId(1), misdeeds=(Misdeed.SILENT,)))
    assert outcome.included == outcome.due == outcome.promised
    led_by_silence = {slot for slot in outcome.records if slot % 4 == 0}
    for slot, by_operator in outcome.records.items():
        expected = 2 if slot in led_by_silence else 1
        assert {record.last_round for record in by_operator.values()} == {expected}, f"slot {slot}"


def test_two_dead_operators_of_four_decide_nothing_and_say_why(one_seed: int) -> None:
    outcome = run(Scenario(one_seed, dead=operators(3, 4)))
    assert not outcome.included
    assert not outcome.promised
    assert not outcome.witness.decided
    assert not outcome.witness.share_signatures
    assert set(outcome.missed()) == {MissedReason.NO_PROPOSAL, MissedReason.NO_PREPARE_QUORUM}
    assert sum(outcome.missed().values()) == 2 * len(outcome.due)


@pytest.mark.parametrize("misdeed", sorted(SHARE_MISDEEDS))
def test_a_bad_share_is_found_and_the_duty_included(misdeed: Misdeed, one_seed: int) -> None:
    outcome = run(Scenario(one_seed, slots=16, byzantine=OperatorId(4), misdeeds=(misdeed,), weather=BREEZE))
    assert outcome.included == outcome.due == outcome.promised
    assert not outcome.world.invalid


def test_operators_that_see_another_head_vote_for_the_leaders(one_seed: int) -> None:
    outcome = run(Scenario(one_seed, slots=32, other_head=operators(2, 3)))
    assert outcome.included == outcome.due == outcome.promised
    assert set(outcome.last_rounds()) == {1}
    heads = {
        outcome.world.included[slot, index] == outcome.world.attestation_data(slot) for slot, index in outcome.included
    }
    assert heads == {True, False}, "both heads were voted for, by the leader of the slot"


def test_an_operator_whose_checkpoints_lag_takes_no_part_and_harms_nobody(one_seed: int) -> None:
    outcome = run(Scenario(one_seed, slots=32, lagging=operators(2)))
    assert outcome.included == outcome.due == outcome.promised
    lagging = {slot: by_operator[OperatorId(2)] for slot, by_operator in outcome.records.items()}
    refusals = {reason for record in lagging.values() for reason in record.missed.values()}
    assert refusals == {MissedReason.VALUE_REFUSED}
    assert outcome.dropped[OperatorId(2)][Reason.CHECKPOINT_MISMATCH] > 0
    from_second_epoch = outcome.network.chain.first_slot(Epoch(2))
    assert all(operator_id != 2 or outcome.network.chain.epoch_of(slot) < 2 for slot, operator_id in _signers(outcome))
    assert max(record.slot for record in lagging.values()) >= from_second_epoch


def test_a_partition_stops_the_committee_and_healing_brings_it_back(one_seed: int) -> None:
    split = Partition(Slot(20), Slot(28), operators(1, 2))
    outcome = run(Scenario(one_seed, slots=42, validators=12, weather=Weather(partitions=(split,))))
    inside = {(slot, index) for slot, index in outcome.due if 20 <= slot < 26}
    assert inside
    assert not inside & outcome.included
    assert {slot for slot, _ in outcome.promised & outcome.included if slot < 20}
    assert {slot for slot, _ in outcome.promised & outcome.included if slot >= 28}


def test_one_operator_cut_off_is_missed_by_nobody_else(one_seed: int) -> None:
    split = Partition(Slot(8), Slot(24), operators(4))
    outcome = run(Scenario(one_seed, weather=Weather(partitions=(split,))))
    assert outcome.included == outcome.due
    assert all(outcome.participation(OperatorId(oid)) == 1.0 for oid in (1, 2, 3))
    assert outcome.participation(OperatorId(4)) == 0.0


def test_duties_on_both_sides_of_the_boole_fork_are_included(one_seed: int) -> None:
    outcome = run(Scenario(one_seed, slots=34, weather=BREEZE, byzantine=OperatorId(3), boole_epoch=Epoch(2)))
    assert outcome.included == outcome.due == outcome.promised
    domains = {message.msg_id[:4] for said in outcome.witness.messages.values() for message in said}
    assert domains == {outcome.network.ssv.alan_domain, outcome.network.ssv.boole_domain}


def test_the_same_seed_gives_the_same_run(one_seed: int) -> None:
    scenario = Scenario(one_seed, slots=16, validators=4, weather=ROUGH, byzantine=OperatorId(3))
    one, other = simulate(scenario), simulate(scenario)
    assert (one.messages, one.lost, one.duplicated) == (other.messages, other.lost, other.duplicated)
    assert one.witness.decided == other.witness.decided
    assert one.world.included == other.world.included
    assert one.misdeeds == other.misdeeds
    assert one.dropped == other.dropped


def _signers(outcome: Outcome) -> set[tuple[Slot, OperatorId]]:
    return {(slot, oid) for slot, by_operator in outcome.witness.decided.items() for oid in by_operator}
