"""Each kind of ssv vector fails when one thing in it is wrong; that all pass as they are is for `make spec`."""

from dataclasses import replace
from functools import cache

import pytest

from tests.spec import spoiling
from tests.spec.case import Case
from tests.spec.run import outcome
from tests.spec.spoiling import Spoil, drop_last, put, spoiled, with_spoiled_state
from tests.spec.ssv_suite import RUNNERS

File = tuple[str, str, int | None]
"""Go type, name of the file, and which of its sub-tests; one is enough to be spoiled."""

PROCESSING: File = ("tests.MultiMsgProcessingSpecTest", "full_happy_flow", 2)
SINGLE: File = ("tests.MsgProcessingSpecTest", "propose_regular_decide_blinded", None)
SLASHABLE: File = ("tests.MsgProcessingSpecTest", "decide_on_slashable_attestation", None)
POST_QUORUM: File = ("tests.MultiMsgProcessingSpecTest", "post_consensus_quorum", 0)
NEW_DUTY: File = ("newduty.MultiStartNewRunnerDutySpecTest", "new_duty_finished", 1)
PASSED_DUTY: File = ("newduty.MultiStartNewRunnerDutySpecTest", "duplicate_duty_finished", 1)
NO_DUTIES: File = ("committee.CommitteeSpecTest", "empty_committee_duty", None)
COMMITTEE: File = ("committee.MultiCommitteeSpecTest", "happy_flow", 0)
PROOF: File = (
    "synccommitteeaggregator.SyncCommitteeAggregatorProofSpecTest",
    "sync_committee_aggregator_some_are_aggregators",
    None,
)
CONTAINER: File = ("partialsigcontainer.PartialSigContainerTest", "PartialSigContainer_quorum", None)
CONSTRUCTION: File = ("runnerconstruction.RunnerConstructionSpecTest", "RunnerConstruction_no_shares", None)
SLASHABLE_VOTE: File = ("valcheck.SpecTest", "attestation_value_check_slashable", None)
FAR_FUTURE: File = ("valcheck.MultiSpecTest", "far_future_duty_slot", 0)
ZEROS = "00" * 32


@cache
def case_of(file: File) -> Case:
    type_name, name, index = file
    case = spoiling.case_of("ssv", type_name, name)
    return case if index is None else replace(case, json={**case.json, "Tests": [case.json["Tests"][index]]})


def first(spoil: Spoil) -> Spoil:
    """Return the change of a sub-test as that of its file."""
    return lambda tree: spoil(tree["Tests"][0])


def assert_differs(case: Case) -> None:
    """The runner finds a difference, rather than to stumble over the file; that some error came is not enough."""
    problem = outcome(case, RUNNERS)
    assert problem is not None
    assert "sub-tests:" not in problem or ": AssertionError: " in problem
    assert problem.startswith("AssertionError: ")


@pytest.mark.parametrize(
    ("file", "spoil"),
    [
        (PROCESSING, first(put("ExpectedErrorCode", 32))),
        (PROCESSING, first(drop_last("Messages"))),
        (PROCESSING, first(drop_last("OutputMessages"))),
        (PROCESSING, first(lambda tree: tree["OutputMessages"].reverse())),
        (PROCESSING, first(put("OutputMessages", 0, "Slot", "13"))),
        (PROCESSING, first(put("OutputMessages", 0, "Type", 5))),
        (PROCESSING, first(put("OutputMessages", 1, "Messages", 0, "SigningRoot", ZEROS))),
        (PROCESSING, first(put("BeaconBroadcastedRoots", 0, ZEROS))),
        (PROCESSING, first(lambda tree: tree["BeaconBroadcastedRoots"].append(ZEROS))),
        (PROCESSING, first(put("DontStartDuty", True))),
        (PROCESSING, first(put("AggregatorCommitteeDuty", "ValidatorDuties", 0, "CommitteeLength", 64))),
        (SINGLE, put("ExpectedErrorCode", 4)),
        (SINGLE, drop_last("BeaconBroadcastedRoots")),
        (SLASHABLE, put("DecidedSlashable", False)),
        (SLASHABLE, put("ExpectedErrorCode", 34)),
        (POST_QUORUM, first(put("Runner", "BaseRunner", "State", "Finished", True))),
        (POST_QUORUM, first(put("Runner", "BaseRunner", "State", "DecidedValue", None))),
        (NEW_DUTY, first(drop_last("OutputMessages"))),
        (NEW_DUTY, first(put("OutputMessages", 0, "Messages", 0, "SigningRoot", ZEROS))),
        (NEW_DUTY, first(put("ExpectedErrorCode", 40))),
        (PASSED_DUTY, first(put("ExpectedErrorCode", 0))),
        (PASSED_DUTY, first(put("Runner", "BaseRunner", "QBFTController", "Height", 1))),
        (NO_DUTIES, put("ExpectedErrorCode", 25)),
        (COMMITTEE, first(drop_last("Input"))),
        (COMMITTEE, first(drop_last("OutputMessages"))),
        (COMMITTEE, first(drop_last("BeaconBroadcastedRoots"))),
        (COMMITTEE, first(put("ExpectedErrorCode", 20))),
        (PROOF, lambda tree: tree["ProofRootsMap"].update(dict.fromkeys(tree["ProofRootsMap"], False))),
        (PROOF, drop_last("Messages")),
        (CONTAINER, put("ExpectedQuorum", False)),
        (CONTAINER, put("ExpectedResult", "AAAA")),
        (CONTAINER, put("ExpectedErrorCode", 32)),
        (CONTAINER, drop_last("SignatureMsgs")),
        (CONSTRUCTION, put("RoleError", "0", "")),
        (CONSTRUCTION, put("RoleError", "2", "no shares")),
        (SLASHABLE_VOTE, put("ExpectedErrorCode", 0)),
        (SLASHABLE_VOTE, put("SlashableSlots", {})),
        (FAR_FUTURE, first(put("ExpectedErrorCode", 51))),
    ],
)
def test_a_spoiled_vector_fails(file: File, spoil: Spoil) -> None:
    case = case_of(file)
    assert outcome(case, RUNNERS) is None
    assert_differs(spoiled(case, spoil))


STATE = ("BaseRunner", "State")
QBFT = ("BaseRunner", "QBFTController")


@pytest.mark.parametrize(
    ("file", "spoil"),
    [
        (PROCESSING, put(*STATE, "Finished", False)),
        (PROCESSING, put(*STATE, "DecidedValue", None)),
        (PROCESSING, put(*STATE, "RunningInstance", None)),
        (PROCESSING, put(*STATE, "RunningInstance", "State", "Round", 2)),
        (PROCESSING, put(*STATE, "PreConsensusContainer", "Signatures", {})),
        (PROCESSING, put(*STATE, "PostConsensusContainer", "Quorum", 5)),
        (PROCESSING, put(*STATE, "AggregatorCommitteeDuty", "ValidatorDuties", 0, "ValidatorIndex", "7")),
        (PROCESSING, put("BaseRunner", "Share", "1", "ValidatorPubKey", "00" * 48)),
        (PROCESSING, put("BaseRunner", "RunnerRoleType", 0)),
        (PROCESSING, put(*QBFT, "Height", 1)),
        (PROCESSING, drop_last(*QBFT, "StoredInstances")),
        (PROCESSING, drop_last(*QBFT, "StoredInstances", 0, "State", "CommitContainer", "Msgs", "1")),
        (NEW_DUTY, put(*STATE, "ValidatorDuty", "Slot", "1")),
        (NEW_DUTY, put(*QBFT, "StoredInstances", 0, "State", "Decided", False)),
        (COMMITTEE, put("CommitteeRunners", {})),
        (COMMITTEE, put("CommitteeMember", "OperatorID", 2)),
        (COMMITTEE, put("Share", {})),
        (PROOF, put("RunningInstance", None)),
        (PROOF, put("Finished", True)),
    ],
)
def test_a_spoiled_state_fails(file: File, spoil: Spoil) -> None:
    case = case_of(file)
    assert outcome(case, RUNNERS) is None
    assert_differs(with_spoiled_state(case, spoil))


def test_a_crash_in_one_sub_test_is_a_failure_beside_the_others() -> None:
    case = case_of(PROCESSING)
    broken = {key: value for key, value in case.json["Tests"][0].items() if key != "Runner"}
    problem = outcome(replace(case, json={**case.json, "Tests": [broken, *case.json["Tests"]]}), RUNNERS)
    assert problem is not None
    assert "1 of 2 sub-tests" in problem
    assert "KeyError" in problem


def test_a_file_without_sub_tests_is_a_failure() -> None:
    case = case_of(PROCESSING)
    assert_differs(replace(case, json={**case.json, "Tests": []}))
