"""The qbft vectors pass, and each kind of vector fails when one thing in it is wrong."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.spec import spoiling
from tests.spec.case import Case, Version
from tests.spec.qbft_suite import RUNNERS
from tests.spec.run import VERSIONS, outcome
from tests.spec.spoiling import Spoil, drop_last, put, spoiled, with_spoiled_state
from tests.spec.vectors import ARCHIVES, VARIABLE, VectorsMissing, cases, folder


def case_of(type_name: str, name: str, version: Version = "boole") -> Case:
    return spoiling.case_of("qbft", type_name, name, version)


def assert_differs(case: Case) -> None:
    spoiling.assert_differs(case, RUNNERS)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_vector_passes(version: Version) -> None:
    failed = {case.name: outcome(case, RUNNERS) for case in cases("qbft", version)}
    assert len(failed) == 203
    assert {name: problem for name, problem in failed.items() if problem} == {}


PROCESSING = ("tests.MsgProcessingSpecTest", "qbft_message_processing_happy_flow")
CONTROLLER = ("tests.ControllerSpecTest", "qbft_controller_broadcast_decided")
TIMEOUT = ("timeout.SpecTest", "qbft_timeout_round_1")
ZEROS = "00" * 32


@pytest.mark.parametrize(
    ("which", "spoil"),
    [
        (PROCESSING, put("ExpectedErrorCode", 58)),
        (PROCESSING, put("PostRoot", ZEROS)),
        (PROCESSING, put("ExpectedTimerState", {"Timeouts": 1, "Round": 2})),
        (PROCESSING, drop_last("OutputMessages")),
        (PROCESSING, lambda tree: tree["OutputMessages"].reverse()),
        (PROCESSING, drop_last("InputMessages")),
        (PROCESSING, put("Pre", "State", "Round", 2)),
        (CONTROLLER, put("ExpectedErrorCode", 2)),
        (CONTROLLER, put("RunInstanceData", 0, "ExpectedDecidedState", "DecidedCnt", 0)),
        (CONTROLLER, put("RunInstanceData", 0, "ExpectedDecidedState", "DecidedVal", "AAAA")),
        (CONTROLLER, put("RunInstanceData", 0, "ExpectedDecidedState", "BroadcastedDecided", "FullData", None)),
        (CONTROLLER, put("RunInstanceData", 0, "ExpectedTimerState", {"Timeouts": 9, "Round": 9})),
        (TIMEOUT, put("PostRoot", ZEROS)),
        (TIMEOUT, put("ExpectedErrorCode", 70)),
        (TIMEOUT, put("ExpectedTimerState", "Round", 3)),
        (TIMEOUT, put("OutputMessages", [])),
        (("tests.MsgSpecTest", "qbft_message_get_root"), put("ExpectedRoots", 0, 5, 0)),
        (("tests.MsgSpecTest", "qbft_message_signer_0"), put("ExpectedErrorCode", 16)),
        (("tests.MsgSpecTest", "qbft_message_propose_data_encoding"), put("EncodedMessages", 0, "AAAA")),
        (("tests.CreateMsgSpecTest", "qbft_create_message_create_commit"), put("ExpectedRoot", ZEROS)),
        (("tests.CreateMsgSpecTest", "qbft_create_message_create_commit"), put("ExpectedErrorCode", 1)),
        (("tests.RoundRobinSpecTest", "qbft_round_robin_10_member_committee"), put("Proposers", 77, 11)),
    ],
)
def test_a_spoiled_vector_fails(which: tuple[str, str], spoil: Spoil) -> None:
    case = case_of(*which)
    assert outcome(case, RUNNERS) is None
    assert_differs(spoiled(case, spoil))


@pytest.mark.parametrize(
    ("which", "spoil"),
    [
        (PROCESSING, put("Decided", False)),
        (PROCESSING, put("LastPreparedValue", None)),
        (PROCESSING, drop_last("CommitContainer", "Msgs", "1")),
        (PROCESSING, put("PrepareContainer", "Msgs", "1", 0, "QBFTMessage", "PrepareJustification", None)),
        (PROCESSING, put("CommitteeMember", "Committee", 3, "OperatorID", 5)),
        (CONTROLLER, put(0, "Height", 1)),
        (CONTROLLER, put(0, "StoredInstances", 0, "forceStop", True)),
        (CONTROLLER, put(0, "StoredInstances", 0, "State", "Round", 2)),
        (CONTROLLER, drop_last(0, "StoredInstances")),
    ],
)
def test_a_spoiled_state_fails(which: tuple[str, str], spoil: Spoil) -> None:
    case = case_of(*which)
    assert outcome(case, RUNNERS) is None
    assert_differs(with_spoiled_state(case, spoil))


def test_the_rule_sets_are_not_exchangeable() -> None:
    alan = case_of("tests.RoundRobinSpecTest", "qbft_round_robin_4_member_committee", "alan")
    assert outcome(alan, RUNNERS) is None
    assert_differs(replace(alan, version="boole"))


def test_a_file_without_a_runner_is_a_failure() -> None:
    case = case_of(*PROCESSING)
    assert outcome(replace(case, type_name="tests.NewSpecTest"), RUNNERS) == "no runner for tests.NewSpecTest"


def test_missing_archives_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(VectorsMissing, match=f"{VARIABLE}.*{ARCHIVES['boole']}"):
        folder()
