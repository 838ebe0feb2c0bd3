"""Due and on chain are the observer's, done, participation and reasons the operators'."""

import json
from dataclasses import replace

from devnet.tests.demo.a_run import (
    CHAIN,
    OPERATORS,
    SLOT,
    A,
    B,
    block,
    observation,
    outcome,
    record,
    report,
    scoreboard,
)

from ssv_devnet.demo.duty_kind import DutyKind
from ssv_devnet.demo.facts import Facts
from ssv_devnet.demo.report import DutyCount, Exit
from ssv_devnet.demo.scoreboard import Scoreboard
from ssv_devnet.demo.verdict import Demands, failures
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.types.ids import Epoch, OperatorId, Slot, ValidatorIndex
from ssv_protocol.types.roles import RunnerRole

USUAL = Demands(CHAIN)
GOOD = scoreboard({o: record(outcome(A), outcome(B)) for o in OPERATORS})


def test_a_good_run_passes() -> None:
    made = report(GOOD, observation())
    assert made.duties[DutyKind.ATTESTATION] == DutyCount(due=2, done=2, on_chain=2)
    assert made.participation == dict.fromkeys(OPERATORS, 1.0)
    assert made.stages_ms == {DutyKind.ATTESTATION: {"consensus": {"p50": 10.0, "p99": 10.0}}}
    assert made.legs_ms == {"bus_leg": {"p50": 1.5, "p99": 1.5}}
    assert failures(made, USUAL) == []


def test_what_operators_say_cannot_put_it_on_chain() -> None:
    made = report(GOOD, observation({A}))
    assert made.duties[DutyKind.ATTESTATION] == DutyCount(due=2, done=2, on_chain=1)
    assert [(m.kind, m.validator_index, m.reason) for m in made.missed] == [
        (DutyKind.ATTESTATION, B, MissedReason.NOT_INCLUDED)
    ]
    assert failures(made, USUAL) == ["attestations included: 1 of 2, below 95 %"]


def test_outcomes_of_another_kind_do_not_count() -> None:
    board = scoreboard({1: record(outcome(A), outcome(B, kind=DutyKind.SYNC_COMMITTEE_MESSAGE))})
    made = report(board, observation())
    assert made.duties[DutyKind.ATTESTATION].done == 1
    assert made.duties[DutyKind.SYNC_COMMITTEE_MESSAGE].done == 1


def test_stages_are_those_of_records_that_had_the_duty_to_do() -> None:
    proposal = replace(
        record(outcome(A, kind=DutyKind.PROPOSAL), role=RunnerRole.PROPOSER), stages_ms={"pre_consensus": 5.0}
    )
    not_selected = replace(record(role=RunnerRole.AGGREGATOR), stages_ms={"pre_consensus": 900.0})
    board = scoreboard({1: proposal})
    board.add(OperatorId(1), not_selected)
    assert board.stages_ms() == {DutyKind.PROPOSAL: {"pre_consensus": {"p50": 5.0, "p99": 5.0}}}


def test_the_reason_most_operators_give_counts() -> None:
    no_quorum, no_data = (
        outcome(B, MissedReason.NO_PREPARE_QUORUM, ()),
        outcome(B, MissedReason.NO_ATTESTATION_DATA, ()),
    )
    records = {1: record(outcome(A), no_data), 2: record(outcome(A), no_quorum), 3: record(outcome(A), no_quorum)}
    made = report(scoreboard(records), observation({A}))
    assert [missed.reason for missed in made.missed] == [MissedReason.NO_PREPARE_QUORUM]


def test_a_duty_that_nobody_ran_was_missed_because_operators_were_down() -> None:
    made = report(scoreboard({}), observation(()))
    assert {missed.reason for missed in made.missed} == {MissedReason.OPERATOR_DOWN}
    assert failures(made, USUAL)


def test_an_operator_that_is_never_seen_fails_the_run() -> None:
    absent = {o: record(outcome(A, None, (1, 2, 3)), outcome(B, None, (1, 2, 3))) for o in (1, 2, 3)}
    made = report(scoreboard(absent), observation())
    assert made.participation[OperatorId(4)] == 0.0
    assert failures(made, USUAL) == ["participation of operator 4: 0.0%, below 95 %"]


def test_a_killed_operator_is_not_asked_for_but_what_follows_is_counted_apart() -> None:
    board = Scoreboard(OPERATORS, dead_from={OperatorId(4): Slot(11)})
    for operator_id in (1, 2, 3):
        board.add(OperatorId(operator_id), record(outcome(A), outcome(B)))
        later = record(outcome(A, None, (1, 2, 3)), outcome(B, None, (1, 2, 3)), slot=Slot(11))
        board.add(OperatorId(operator_id), later)
    made = report(board, observation({A}, (Slot(10), Slot(11))))
    assert made.participation[OperatorId(4)] == 1.0  # while it lived
    assert made.living == OPERATORS[:3]
    assert made.after_kill == (2, 1)
    assert "attestations included after the kill: 1 of 2, below 90 %" in failures(made, Demands(CHAIN, 90))


def test_nothing_due_is_a_failure() -> None:
    empty = replace(observation(), due=frozenset(), included={}, sync_due=frozenset(), sync_included=frozenset())
    assert "nothing was due" in failures(report(Scoreboard(OPERATORS), empty), USUAL)


def test_who_takes_its_word_is_told_where_no_block_can() -> None:
    aggregates = Facts(frozenset({(SLOT, A), (SLOT, B)}), None, frozenset({(SLOT, A), (SLOT, ValidatorIndex(99))}))
    board = scoreboard({1: record(outcome(B, kind=DutyKind.AGGREGATE), role=RunnerRole.AGGREGATOR)})
    made = report(board, observation(), {DutyKind.AGGREGATE: aggregates})
    assert made.duties[DutyKind.AGGREGATE] == DutyCount(due=2, done=1, on_chain=None, accepted=1)
    assert made.as_json()["duties"]["aggregate"] == {"due": 2, "done": 1, "on_chain": None, "accepted": 1}


def test_the_file_has_the_promised_keys() -> None:
    seen = observation({A}, proposals_due={SLOT: A}, blocks={SLOT: block(A, graffiti=b"ssv operator 3")})
    records = {1: record(outcome(A), outcome(B, MissedReason.NO_PROPOSAL, ()))}
    leaving = Exit(B, Slot(14), Epoch(7))
    content = json.loads(json.dumps(report(scoreboard(records), seen, blinded={SLOT}, asked_exit=leaving).as_json()))
    assert content["slots"] == 1
    assert content["attestations"] == {"due": 2, "submitted": 1, "included": 1}
    assert content["missed"] == [
        {"duty": {"kind": "attestation", "slot": SLOT, "validator": B}, "reason": "no_proposal"}
    ]
    assert content["stages_ms"] == {"consensus": {"p50": 10.0, "p99": 10.0}, "bus_leg": {"p50": 1.5, "p99": 1.5}}
    assert set(content["duties"]) == {
        "attestation",
        "sync_committee_message",
        "proposal",
        "aggregate",
        "contribution",
        "validator_registration",
        "voluntary_exit",
    }
    assert content["proposals"] == [
        {"slot": SLOT, "validator_index": A, "on_chain": True, "operator_id": 3, "blinded": True}
    ]
    assert content["exit"] == {"validator_index": B, "block_slot": 14, "exit_epoch": 7}
    assert set(content) >= {"participation", "duty_stages_ms", "processes", "crashes"}
