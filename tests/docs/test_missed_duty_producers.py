"""Every reason for a missed duty is found by code, and a test brings that code to find it.

A reason that nothing can give would be a promise of the documentation that nobody keeps; one without a test would be
given for the wrong cause some day.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from ssv_protocol.runners.ledger import MissedReason
from tests.docs.test_cited_tests import ROOT, run_folders

RUNNERS, WORKER = "libs/protocol/tests/runners", "services/consensus/tests"
PRODUCERS = {
    MissedReason.OPERATOR_DOWN: "devnet/tests/demo/test_report.py::"
    "test_a_duty_that_nobody_ran_was_missed_because_operators_were_down",
    MissedReason.NO_SHARE: f"{WORKER}/test_clearance.py::test_a_share_that_is_not_held_bars_everything",
    MissedReason.WAITING: f"{WORKER}/test_committee_node.py::test_who_is_barred_is_left_out_with_the_reason",
    MissedReason.RECORD_AHEAD: f"{WORKER}/test_clearance.py::test_a_record_beyond_the_epoch_bars_the_attestation_only",
    MissedReason.NO_ATTESTATION_DATA: f"{RUNNERS}/test_committee_consensus.py::test_starts_by_asking_what_to_attest",
    MissedReason.NO_BLOCK: f"{RUNNERS}/test_proposer.py::test_no_block_is_reported",
    MissedReason.NO_AGGREGATE: f"{RUNNERS}/test_aggregator.py::test_no_aggregate_is_a_reason_to_miss_the_duty",
    MissedReason.LEFT_OUT: f"{RUNNERS}/test_aggregator_committee.py::"
    "test_a_duty_whose_validator_was_left_out_ends_but_is_not_finished",
    MissedReason.NO_PROPOSAL: f"{RUNNERS}/test_committee_consensus.py::test_waits_for_the_leader",
    MissedReason.VALUE_REFUSED: f"{RUNNERS}/test_committee_consensus.py::test_refuses_a_value_of_other_checkpoints",
    MissedReason.NO_PREPARE_QUORUM: f"{RUNNERS}/test_committee_consensus.py::"
    "test_a_proposal_stays_known_when_its_round_is_left",
    MissedReason.NO_COMMIT_QUORUM: f"{RUNNERS}/test_committee_consensus.py::"
    "test_commits_with_the_quorum_of_prepares_and_no_sooner",
    MissedReason.ROUNDS_EXHAUSTED: f"{RUNNERS}/test_committee_consensus.py::test_rounds_end_at_the_cut_off",
    MissedReason.SIGNER_UNAVAILABLE: f"{WORKER}/test_duty_task.py::test_without_the_signer_the_ledger_names_it",
    MissedReason.SIGNER_REFUSED: f"{WORKER}/test_duty_task.py::test_a_refusal_is_named_when_it_costs_the_quorum",
    MissedReason.GATEWAY_UNAVAILABLE: f"{WORKER}/test_duty_task.py::test_without_the_gateways_the_ledger_names_them",
    MissedReason.NO_PARTIAL_QUORUM: f"{WORKER}/test_committee_node.py::"
    "test_a_committee_that_needs_who_is_held_back_decides_and_attests_nothing",
    MissedReason.RECONSTRUCTION_FAILED: f"{RUNNERS}/test_committee_signatures.py::"
    "test_wrong_registered_share_keys_end_in_failure_not_in_a_loop",
    MissedReason.SUBMISSION_REFUSED: f"{WORKER}/test_every_role_faults.py::test_a_refused_block_is_a_missed_one",
    MissedReason.NOT_INCLUDED: "services/duty-scheduler/tests/test_inclusion_watch.py::"
    "test_what_no_block_holds_is_told_when_no_block_can_hold_it_any_more",
    MissedReason.LATE: f"{WORKER}/test_every_role_faults.py::"
    "test_a_block_that_is_still_being_handed_over_at_the_end_is_late",
}
"""By reason, a test that runs what finds it: a runner, the worker, the duty-scheduler, or the demo's observer."""
LEDGER = "libs/protocol/src/ssv_protocol/runners/ledger.py"


def reasons_in(node: ast.AST) -> set[str]:
    """The members of MissedReason that code names."""
    return {
        part.attr
        for part in ast.walk(node)
        if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id == "MissedReason"
    }


def test_every_reason_has_a_test() -> None:
    assert PRODUCERS.keys() == set(MissedReason)


def test_every_reason_is_given_by_some_code() -> None:
    sources = [path for folder in ("libs", "services", "devnet") for path in (ROOT / folder).rglob("src/**/*.py")]
    named = {
        name
        for path in sources
        if path != ROOT / LEDGER and "MissedReason." in (text := path.read_text())
        for name in reasons_in(ast.parse(text))
    }
    assert {reason.name for reason in MissedReason} - named == set()


@pytest.mark.parametrize("reason", PRODUCERS, ids=lambda reason: reason.value)
def test_the_test_is_run_and_expects_the_reason(reason: MissedReason) -> None:
    file, _, name = PRODUCERS[reason].partition("::")
    assert any(file.startswith(f"{folder}/") for folder in run_folders())
    (function,) = [
        node
        for node in ast.parse(Path(ROOT / file).read_text()).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name
    ]
    assert reason.name in reasons_in(function)
