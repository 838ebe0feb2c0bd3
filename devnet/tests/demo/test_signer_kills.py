"""What kills of signers cost: which attestations could not do without the operator, and what the verdict says."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from devnet.tests.demo.a_run import CHAIN, A, observation, report, scoreboard

from ssv_devnet.demo.report import Report
from ssv_devnet.demo.scoreboard import Scoreboard
from ssv_devnet.demo.signer_kills import NeededVotes, SignerKill, SignerLog, needed_votes
from ssv_devnet.demo.verdict import Demands, failures
from ssv_protocol.types.ids import OperatorId, Slot

ONE, FOUR = OperatorId(1), OperatorId(4)
SLOTS = tuple(map(Slot, range(8, 16)))
KILLS = [SignerKill("signer", Slot(10), 2100, 1, 2.5), SignerKill("signer-2", Slot(12), 2200, 2, 2.5)]


def lost_in(slot: Slot) -> Report:
    seen = observation(slots=SLOTS)
    included = {vote: at for vote, at in seen.included.items() if vote != (slot, A)}
    return report(scoreboard({}), replace(seen, included=included))


def needed(made: Report, board: Scoreboard, kills: list[SignerKill]) -> NeededVotes:
    return needed_votes(ONE, kills, observation(slots=SLOTS).due, made.missed, board)


def without_the_fourth(board: Scoreboard) -> Scoreboard:
    board.dead_from[FOUR] = Slot(0)
    return board


def test_where_just_a_quorum_lives_every_attestation_since_the_first_kill_needs_the_operator() -> None:
    board = without_the_fourth(scoreboard({}))
    votes = needed(lost_in(Slot(12)), board, KILLS)
    assert (votes.needed, votes.between) == (2 * len(KILLS), 2 * len((11, 13, 14, 15)))
    assert [(duty.slot, duty.validator_index) for duty in votes.lost] == [(Slot(12), A)]
    assert votes.lost_between == []
    after = needed(lost_in(Slot(13)), board, KILLS)
    assert (after.lost, [duty.slot for duty in after.lost_between]) == ([], [Slot(13)])
    before = needed(lost_in(Slot(9)), board, KILLS)
    assert (before.lost, before.lost_between) == ([], [])
    assert needed(lost_in(Slot(12)), board, []) == NeededVotes(ONE, 0)


def test_with_one_operator_to_spare_none_is_needed() -> None:
    assert needed(lost_in(Slot(12)), scoreboard({}), KILLS) == NeededVotes(ONE, 0)


@pytest.mark.parametrize(
    ("kills", "sentence"),
    [
        (KILLS[:1], "signers killed: 1 times, not each of the 2"),
        ([KILLS[0], replace(KILLS[1], ready_again_s=None)], "signer-2 was not ready again after slot 12"),
    ],
)
def test_both_must_have_been_killed_and_come_back(kills: list[SignerKill], sentence: str) -> None:
    made = replace(lost_in(Slot(9)), signer_kills=kills, needed_votes=NeededVotes(ONE, 12))
    assert sentence in failures(made, Demands(CHAIN, 0))


def test_a_lost_attestation_fails_whatever_the_minimum() -> None:
    made = lost_in(Slot(12))
    votes = needed(made, without_the_fourth(scoreboard({})), KILLS)
    made = replace(made, signer_kills=KILLS, needed_votes=votes)
    sentence = "1 of 4 attestations that needed operator 1 were lost in slots in which a signer was killed: 12"
    assert sentence in failures(made, Demands(CHAIN, 0))
    told = made.as_json()["attestations_that_needed"]
    assert (told["due"], len(told["lost"]), told["due_between"]) == (4, 1, 8)


def test_who_signed_is_read_line_by_line_as_the_log_grows(tmp_path: Path) -> None:
    log = tmp_path / "signer.log"
    signed = json.dumps({"event": "signed", "slot": 7, "role": "committee"})
    others = [
        json.dumps({"event": "signed", "slot": 6, "role": "committee"}),
        json.dumps({"event": "signed", "slot": 7, "role": "proposer"}),
        json.dumps({"event": "refused", "slot": 7, "role": "committee"}),
        "Traceback (most recent call last):",
    ]
    reader = SignerLog(log)
    log.write_text("\n".join([*others, signed, signed[:20]]))
    assert reader.signed(Slot(7)) == 1
    with log.open("a") as file:
        file.write(signed[20:] + "\n")
    assert reader.signed(Slot(7)) == 1
    assert reader.signed(Slot(7)) == 0
