"""Each demand beyond attestations and participation, met and not met."""

from dataclasses import replace
from pathlib import Path

import pytest
from devnet.tests.demo.a_run import CHAIN, OPERATORS, A, B, block, observation, outcome, record, report, scoreboard

from ssv_devnet.demo.crashes import Crash
from ssv_devnet.demo.duty_kind import DutyKind
from ssv_devnet.demo.facts import Facts
from ssv_devnet.demo.report import Exit, Report
from ssv_devnet.demo.rule_sets import Switch
from ssv_devnet.demo.secrecy import Leak
from ssv_devnet.demo.verdict import Demands, failures
from ssv_protocol.types.ids import Epoch, Slot

USUAL = Demands(CHAIN)
LONG = Demands(CHAIN, long_run=True)
SLOTS = tuple(map(Slot, range(8, 24)))  # epochs 1 and 2
OURS = b"ssv operator 2"
TURNS = {Slot(9): A, Slot(17): B}
LEFT = Exit(B, Slot(22), Epoch(7))


def good(**changes: object) -> Report:
    """A run of two epochs with two proposals, one of them blinded, and an exit."""
    seen = observation(slots=SLOTS, proposals_due=TURNS, blocks={s: block(i, s, OURS) for s, i in TURNS.items()})
    board = scoreboard({})
    for slot in SLOTS:
        for operator_id in OPERATORS:
            board.add(operator_id, record(outcome(A), outcome(B), slot=slot))
    return replace(report(board, seen, blinded={Slot(9)}, asked_exit=LEFT), **changes)  # type: ignore[arg-type]


def with_missing(*missing: tuple[Slot, DutyKind]) -> Report:
    """That run without the blocks of some proposals, the votes of A in some slots."""
    made = good()
    votes = {slot for slot, kind in missing if kind is DutyKind.ATTESTATION}
    sync = {slot for slot, kind in missing if kind is DutyKind.SYNC_COMMITTEE_MESSAGE}
    gone = {slot for slot, kind in missing if kind is DutyKind.PROPOSAL}
    seen = observation(
        slots=SLOTS, proposals_due=TURNS, blocks={s: block(i, s, OURS) for s, i in TURNS.items() if s not in gone}
    )
    seen = replace(
        seen,
        included={vote: slot for vote, slot in seen.included.items() if vote[0] not in votes or vote[1] != A},
        sync_included=frozenset(vote for vote in seen.sync_included if vote[0] not in sync or vote[1] != A),
    )
    again = report(scoreboard({}), seen)
    return replace(made, duties=again.duties, missed=again.missed, proposals=again.proposals)


def test_a_good_long_run_passes() -> None:
    assert failures(good(), LONG) == []


def test_one_proposal_may_be_missing_but_not_two() -> None:
    assert failures(with_missing((Slot(9), DutyKind.PROPOSAL)), USUAL) == []
    both = with_missing((Slot(9), DutyKind.PROPOSAL), (Slot(17), DutyKind.PROPOSAL))
    assert failures(both, USUAL) == ["proposals on chain: 0 of 2, at most 1 may be missing"]


def test_sync_messages_have_the_same_minimum() -> None:
    made = with_missing(*((slot, DutyKind.SYNC_COMMITTEE_MESSAGE) for slot in SLOTS[:2]))
    assert failures(made, USUAL) == ["sync committee messages included: 30 of 32, below 95 %"]
    assert failures(made, Demands(CHAIN, 93)) == []


def test_a_block_of_ours_must_be_an_operators() -> None:
    seen = observation(proposals_due={Slot(10): A}, blocks={Slot(10): block(A, graffiti=b"devnet background")})
    made = replace(good(), proposals=report(scoreboard({}), seen).proposals)
    assert failures(made, USUAL) == ["blocks of SSV validators without an operator's graffiti, in slots 10"]


def test_the_builder_must_have_taken_all_registrations() -> None:
    due = frozenset({(Slot(9), A), (Slot(10), B)})
    facts = {DutyKind.VALIDATOR_REGISTRATION: Facts(due, None, frozenset({(Slot(9), A)}))}
    duties = good().duties | report(scoreboard({}), observation(), facts).duties
    made = good(duties=good().duties | {DutyKind.VALIDATOR_REGISTRATION: duties[DutyKind.VALIDATOR_REGISTRATION]})
    assert failures(made, USUAL) == ["registrations taken by the builder: 1 of 2"]


@pytest.mark.parametrize(
    ("left", "sentence"),
    [
        (None, "no voluntary exit was asked for"),
        (Exit(B, None, None), "the voluntary exit of validator 17 is in no block"),
        (Exit(B, Slot(22), None), "the beacon chain has set no exit epoch for validator 17"),
    ],
)
def test_a_long_run_shows_an_exit(left: Exit | None, sentence: str) -> None:
    assert failures(good(exit=left), LONG) == [sentence]
    assert failures(good(exit=left), USUAL) == []


def test_a_long_run_shows_a_blinded_block() -> None:
    made = good(proposals=[replace(each, blinded=False) for each in good().proposals])
    assert failures(made, LONG) == ["no block of an SSV validator was blinded"]
    assert failures(made, USUAL) == []


def test_around_a_switch_nothing_on_chain_may_be_missed() -> None:
    lenient = Demands(CHAIN, 50, switch=Switch(Epoch(2)))
    assert failures(good(), lenient) == []
    made = with_missing(
        (Slot(15), DutyKind.ATTESTATION),
        (Slot(16), DutyKind.ATTESTATION),
        (Slot(17), DutyKind.PROPOSAL),
        (Slot(23), DutyKind.SYNC_COMMITTEE_MESSAGE),
    )
    assert failures(made, lenient) == [
        "1 missed of attestation in epoch 1, before the switch of rules",
        "1 missed of attestation in epoch 2, after the switch of rules",
        "1 missed of proposal in epoch 2, after the switch of rules",
        "1 missed of sync committee message in epoch 2, after the switch of rules",
    ]
    assert failures(made, replace(lenient, switch=Switch(Epoch(4)))) == []


def test_after_crashes_only_what_no_crash_explains_fails() -> None:
    made = with_missing((Slot(10), DutyKind.ATTESTATION), (Slot(17), DutyKind.PROPOSAL))
    crash = Crash("signer", Epoch(1), Slot(10), ready_again_s=2.0)
    assert failures(replace(made, crashes=[crash]), LONG) == ["1 duties were lost that no crash explains"]
    both = [crash, Crash("consensus", Epoch(2), Slot(16), ready_again_s=2.0)]
    assert failures(replace(made, crashes=both), LONG) == []
    both[0].ready_again_s = None
    assert failures(replace(made, crashes=both), LONG) == ["signer was not ready again"]


def test_a_leak_fails_every_run() -> None:
    leak = Leak("share", Path("signer.log"))
    assert failures(good(leaks=[leak]), USUAL) == ["a secret stands in signer.log: share"]
