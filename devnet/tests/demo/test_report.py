"""The verdict: due and included are the observer's, participation and reasons the operators'."""

from ssv_devnet.demo.report import Report, report_of
from ssv_devnet.demo.scoreboard import Scoreboard
from ssv_devnet.demo.seen_duty import SeenDuty
from ssv_devnet.observer import Observation
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.types.ids import OperatorId, Round, Slot, ValidatorIndex

OPERATORS = tuple(map(OperatorId, (1, 2, 3, 4)))
A, B = ValidatorIndex(16), ValidatorIndex(17)
SLOT = Slot(10)


def record(
    submitted: set[ValidatorIndex],
    missed: dict[ValidatorIndex, MissedReason],
    participants: set[int],
    slot: Slot = SLOT,
) -> SeenDuty:
    return SeenDuty(
        slot=slot,
        attesters=frozenset({A, B}),
        submitted=frozenset(submitted),
        missed=missed,
        participants={index: frozenset(map(OperatorId, participants)) for index in (A, B)},
        last_round=Round(1),
        decided=True,
        stages_ms={"consensus": 10.0},
        legs_ms={"bus": 1.5},
    )


def observation(included: set[ValidatorIndex], slots: tuple[Slot, ...] = (SLOT,)) -> Observation:
    return Observation(
        first_slot=slots[0],
        last_slot=slots[-1],
        due=frozenset((slot, index) for slot in slots for index in (A, B)),
        included={(slot, index): Slot(slot + 1) for slot in slots for index in included},
        proposals={},
        sync_due=frozenset(),
        sync_included=frozenset(),
    )


def report_from(records: dict[int, SeenDuty], included: set[ValidatorIndex]) -> Report:
    board = Scoreboard(OPERATORS)
    for operator_id, item in records.items():
        board.add(OperatorId(operator_id), item)
    return report_of(board, observation(included))


def test_a_good_run_passes() -> None:
    report = report_from({o: record({A, B}, {}, {1, 2, 3, 4}) for o in (1, 2, 3, 4)}, {A, B})
    assert (report.due, report.submitted, report.included) == (2, 2, 2)
    assert report.participation == dict.fromkeys(OPERATORS, 1.0)
    assert report.stages_ms == {"consensus": {"p50": 10.0, "p99": 10.0}, "bus_leg": {"p50": 1.5, "p99": 1.5}}
    assert report.failures(95) == []


def test_what_operators_say_cannot_make_it_included() -> None:
    report = report_from({o: record({A, B}, {}, {1, 2, 3, 4}) for o in (1, 2, 3, 4)}, {A})
    assert report.included == 1
    assert [(m.validator_index, m.reason) for m in report.missed] == [(B, MissedReason.NOT_INCLUDED)]
    assert any("1 of 2" in failure for failure in report.failures(95))


def test_the_reason_most_operators_give_counts() -> None:
    no_quorum, no_data = {B: MissedReason.NO_PREPARE_QUORUM}, {B: MissedReason.NO_ATTESTATION_DATA}
    records = {1: record({A}, no_data, {1, 2, 3, 4}), 2: record({A}, no_quorum, {1, 2, 3, 4})}
    report = report_from(records | {3: record({A}, no_quorum, {1, 2, 3, 4})}, {A})
    assert [missed.reason for missed in report.missed] == [MissedReason.NO_PREPARE_QUORUM]


def test_a_duty_that_nobody_ran_was_missed_because_operators_were_down() -> None:
    report = report_from({}, set())
    assert {missed.reason for missed in report.missed} == {MissedReason.OPERATOR_DOWN}
    assert report.failures(95)


def test_an_operator_that_is_never_seen_fails_the_run() -> None:
    report = report_from({o: record({A, B}, {}, {1, 2, 3}) for o in (1, 2, 3)}, {A, B})
    assert report.participation[OperatorId(4)] == 0.0
    assert report.failures(95) == ["participation of operator 4: 0.0%, below 95 %"]


def test_a_killed_operator_is_not_asked_for_but_what_follows_is_counted_apart() -> None:
    board = Scoreboard(OPERATORS, dead_from={OperatorId(4): Slot(11)})
    for operator_id in (1, 2, 3):
        board.add(OperatorId(operator_id), record({A, B}, {}, {1, 2, 3, 4}))
        board.add(OperatorId(operator_id), record({A, B}, {}, {1, 2, 3}, slot=Slot(11)))
    report = report_of(board, observation({A}, (Slot(10), Slot(11))))
    assert report.participation[OperatorId(4)] == 1.0  # while it lived
    assert report.living == OPERATORS[:3]
    assert report.after_kill == (2, 1)
    assert any("after the kill: 1 of 2" in failure for failure in report.failures(90))


def test_nothing_due_is_a_failure() -> None:
    board = Scoreboard(OPERATORS)
    empty = Observation(SLOT, SLOT, frozenset(), {}, {}, frozenset(), frozenset())
    assert "nothing was due" in report_of(board, empty).failures(95)


def test_the_file_has_the_promised_keys() -> None:
    report = report_from({1: record({A}, {B: MissedReason.NO_PROPOSAL}, {1})}, {A})
    content = report.as_json()
    assert content["attestations"] == {"due": 2, "submitted": 1, "included": 1}
    assert content["missed"] == [{"duty": {"slot": SLOT, "validator": B}, "reason": "no_proposal"}]
    assert set(content) >= {"slots", "attestations", "participation", "stages_ms", "missed"}
