"""What is said of nodes that were away: which duties were lost meanwhile, and who had to tell."""

from dataclasses import replace

from devnet.tests.demo.a_run import CHAIN, OPERATORS, SLOT, A, B, observation, outcome, record, report, scoreboard
from rich.console import Console

from ssv_devnet.demo.duty_kind import DutyKind
from ssv_devnet.demo.final_tables import outage_table
from ssv_devnet.demo.missed import MissedDuty
from ssv_devnet.demo.outages import Outage
from ssv_devnet.demo.verdict import Demands, failures
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.types.ids import OperatorId, Slot

GOOD = report(scoreboard({o: record(outcome(A), outcome(B)) for o in OPERATORS}), observation())
AWAY = Outage("beacon node 1 killed with -9", SLOT, Slot(SLOT + 3), 20.0)


def missed(slot: int) -> MissedDuty:
    return MissedDuty(DutyKind.ATTESTATION, Slot(slot), A, MissedReason.NO_ATTESTATION_DATA)


def test_duties_of_the_slots_in_which_a_node_was_away_count_as_lost() -> None:
    every = [missed(slot) for slot in (SLOT - 1, SLOT, SLOT + 3, SLOT + 4)]
    assert AWAY.lost(every) == every[1:3]
    assert replace(AWAY, over=None).lost(every) == every[1:]


def test_a_node_that_does_not_come_back_fails_the_run() -> None:
    assert failures(replace(GOOD, outages=[AWAY]), Demands(CHAIN)) == []
    (wrong,) = failures(replace(GOOD, outages=[replace(AWAY, over=None)]), Demands(CHAIN))
    assert wrong == f"not over by the end: beacon node 1 killed with -9, from slot {SLOT} on"


def test_an_operator_that_does_not_tell_of_a_disagreement_fails_the_run() -> None:
    told = tuple(map(OperatorId, (1, 2, 3)))
    lies = Outage("EVM endpoint 1 tells of other blocks", SLOT, SLOT, 1.0, told)
    assert failures(replace(GOOD, outages=[lies], living=told), Demands(CHAIN)) == []
    (wrong,) = failures(replace(GOOD, outages=[lies]), Demands(CHAIN))
    assert wrong == "not told of by operators 4: EVM endpoint 1 tells of other blocks"


def test_table_and_file_say_what_was_lost() -> None:
    made = replace(GOOD, outages=[AWAY], missed=[missed(SLOT + 1)])
    console = Console(width=200)
    with console.capture() as shown:
        console.print(outage_table(made))
    row = next(line for line in shown.get().splitlines() if "beacon node 1" in line)
    assert row.split()[-3:] == ["1", "attestation:", "no_attestation_data"]
    (told,) = made.as_json()["outages"]
    assert (told["what"], len(told["lost"]), told["lost"][0]["reason"]) == (AWAY.what, 1, "no_attestation_data")
