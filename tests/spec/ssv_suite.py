"""Runners for the ssv vectors: duties from their start to their submissions, through the machines and dispatchers.

A sub-test passes when the last error, what was sent, what was submitted and the state afterwards are as the files say;
roots that are embedded in the tests are stale or empty, the state files count.

Source: ssv-spec ssv/spectest/run_test.go and tests/**/test.go.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ssv_protocol.runners.runner import Runner
from ssv_protocol.runners.seats import CommitteeSeat
from ssv_protocol.types.duty import AggregatorCommitteeDuty, ValidatorDuty
from ssv_protocol.types.ids import BlsPublicKey, Slot, ValidatorIndex
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import BeaconRole, MsgType, QbftMessageType, RunnerRole
from ssv_protocol.types.share import Share
from tests.spec.case import Case, Version
from tests.spec.case import Runner as CaseRunner
from tests.spec.error_codes import check_error
from tests.spec.go_json import Json, check_tree, parse_member, parse_signed, parse_whole_signed, render_member
from tests.spec.ssv_bench import Bench, Receive, SpecCommittee, Step, selection_of
from tests.spec.ssv_chain import DUTY_SLOT, NOW, network
from tests.spec.ssv_checks import CHECKS
from tests.spec.ssv_json import (
    find_duty,
    parse_committee_duty,
    parse_shares,
    render_base_runner,
    render_shares,
    render_state,
)
from tests.spec.ssv_keys import mapped_pubkey, validator_share
from tests.spec.ssv_shell import Shell

_RUNNER_MAPS: dict[Version, dict[str, RunnerRole]] = {
    "boole": {
        "CommitteeRunners": RunnerRole.COMMITTEE,
        "AggregatorCommitteeRunners": RunnerRole.AGGREGATOR_COMMITTEE,
    },
    "alan": {"Runners": RunnerRole.COMMITTEE},
}
_SUBCOMMITTEE_POSITIONS: dict[Version, tuple[int, ...]] = {"boole": (0, 129, 257), "alan": (0, 1, 2)}
SubTest = Callable[[Case, Json, str], None]


def single(check: SubTest) -> CaseRunner:
    """Run a file that is one test."""

    def run(case: Case) -> None:
        check(case, case.json, case.json["Name"])

    return run


def several(check: SubTest) -> CaseRunner:
    """Run every sub-test of a file, and name those that fail."""

    def run(case: Case) -> None:
        failed: list[str] = []
        for tree in case.json["Tests"]:
            try:
                check(case, tree, f"{case.json['Name'].replace(' ', '_')}/{tree['Name']}")
            except Exception as problem:  # one sub-test's failure must not hide the others
                failed.append(f"{tree['Name']}: {type(problem).__name__}: {problem}")
        assert case.json["Tests"], "no sub-tests"
        assert not failed, f"{len(failed)} of {len(case.json['Tests'])} sub-tests:\n  " + "\n  ".join(failed)

    return run


def check_processing(case: Case, tree: Json, state_name: str) -> None:
    """A duty takes in messages."""
    bench = Bench(case.version, tree["Runner"], selection_of(case.version, tree))
    duty = find_duty(tree)
    assert duty is not None
    start, receive = bench.dispatcher(duty)
    if not tree["DontStartDuty"]:
        bench.shell.run(start)
    for message in tree["Messages"] or ():
        bench.shell.run(partial(_received, receive, message))
        if tree["DecidedSlashable"]:
            bench.slashable_slots.update(_proposed_slot(message))
    check_error(tree["ExpectedErrorCode"], bench.shell.error, case.version)
    bench.shell.check_sent(tree["OutputMessages"], ordered=True)
    bench.shell.check_submitted(tree["BeaconBroadcastedRoots"])
    check_tree(case.state(state_name), bench.render(), "runner")


def check_new_duty(case: Case, tree: Json, state_name: str) -> None:
    """A duty begins on a runner that has had another, or none."""
    bench = Bench(case.version, tree["Runner"], selection_of(case.version, tree))
    duty = find_duty(tree)
    assert duty is not None
    bench.shell.run(partial(bench.start, duty))
    check_error(tree["ExpectedErrorCode"], bench.shell.error, case.version)
    # The files name what would be sent even where the duty is refused, and often with another duty's slot.
    expected = tree["OutputMessages"] if tree["ExpectedErrorCode"] == 0 else ()
    bench.shell.check_sent([{**batch, "Slot": str(duty.slot)} for batch in expected or ()], ordered=True)
    check_tree(case.state(state_name), bench.render(), "runner")


def check_committee(case: Case, tree: Json, state_name: str) -> None:
    """A committee takes in duties and messages."""
    committee = tree["Committee"]
    member, shares = parse_member(committee["CommitteeMember"]), parse_shares(committee["Share"])
    selection = selection_of(case.version, tree)
    duties = SpecCommittee(CommitteeSeat(member, shares, network(case.version), selection=selection))
    for key, role in _RUNNER_MAPS[case.version].items():
        for slot, runner in (committee[key] or {}).items():
            duties.lanes[role, Slot(int(slot))] = Bench(case.version, runner, selection).lane
    shell = Shell(member, shares)
    for item in tree["Input"]:
        if "SSVMessage" in item:
            shell.run(partial(_received, duties.receive, item))
        else:
            shell.run(partial(duties.start, parse_committee_duty(item)))
    check_error(tree["ExpectedErrorCode"], shell.error, case.version)
    shell.check_sent(tree["OutputMessages"], ordered=False)
    shell.check_submitted(tree["BeaconBroadcastedRoots"])
    check_tree(case.state(state_name), _render_committee(case.version, duties), "committee")


def check_selection_proof(case: Case, tree: Json, state_name: str) -> None:
    """Selection proofs decide who takes part in consensus. The duty is not in the file."""
    assert tree["ExpectedError"] == ""
    role = RunnerRole.AGGREGATOR_COMMITTEE if case.version == "boole" else RunnerRole.SYNC_COMMITTEE_CONTRIBUTION
    share = validator_share()
    duty = ValidatorDuty(
        int(BeaconRole.SYNC_COMMITTEE_CONTRIBUTION),
        _selection_pubkey(case.version),
        DUTY_SLOT,
        share.validator_index,
        3,
        128,
        36,
        11,
        _SUBCOMMITTEE_POSITIONS[case.version],
    )
    runner = {
        "BaseRunner": {
            "RunnerRoleType": role,
            "Share": render_shares({share.validator_index: share}),
            "QBFTController": None,
            "State": None,
        }
    }
    bench = Bench(case.version, runner, selection_of(case.version, tree))
    start, receive = bench.dispatcher(AggregatorCommitteeDuty(DUTY_SLOT, (duty,)) if case.version == "boole" else duty)
    bench.shell.run(start)
    for message in tree["Messages"]:
        bench.shell.run(partial(_received, receive, message))
    check_error(0, bench.shell.error, case.version)
    assert bench.lane.runner is not None
    check_tree(case.state(state_name), render_state(bench.lane.runner, bench.member.quorum), "state")


RUNNERS: dict[str, CaseRunner] = {
    "tests.MsgProcessingSpecTest": single(check_processing),
    "tests.MultiMsgProcessingSpecTest": several(check_processing),
    "newduty.MultiStartNewRunnerDutySpecTest": several(check_new_duty),
    "committee.CommitteeSpecTest": single(check_committee),
    "committee.MultiCommitteeSpecTest": several(check_committee),
    "synccommitteeaggregator.SyncCommitteeAggregatorProofSpecTest": single(check_selection_proof),
    **CHECKS,
}


def _selection_pubkey(version: Version) -> BlsPublicKey:
    """Return the public key in the duty of a selection proof test: under Boole another validator's than the share's."""
    return mapped_pubkey(ValidatorIndex(1)) if version == "boole" else validator_share().validator_pubkey


def _received(receive: Receive, tree: Json) -> Step:
    return receive(parse_whole_signed(tree), NOW)


def _proposed_slot(tree: Json) -> set[Slot]:
    if tree["SSVMessage"] is None:
        return set()
    signed = parse_signed(tree)
    if signed.ssv_message.msg_type != MsgType.CONSENSUS:
        return set()
    message = QbftMessage.decode(signed.ssv_message.data)
    return {Slot(message.height)} if message.msg_type == QbftMessageType.PROPOSAL else set()


def _shares_of(seat: CommitteeSeat, runner: Runner | None) -> dict[ValidatorIndex, Share]:
    """Return the shares that a duty needs."""
    assert runner is not None
    assert not isinstance(runner.duty, ValidatorDuty)
    return {duty.validator_index: seat.shares[duty.validator_index] for duty in runner.duty.validator_duties}


def _render_committee(version: Version, duties: SpecCommittee) -> Json:
    seat = duties.seat
    runners: Json = {key: {} for key in _RUNNER_MAPS[version]}
    for key, role in _RUNNER_MAPS[version].items():
        for (lane_role, slot), lane in duties.lanes.items():
            if lane_role is role:
                shares = _shares_of(seat, lane.runner)
                runners[key][str(slot)] = render_base_runner(
                    role, shares, seat.member.quorum, lane.consensus, lane.runner
                )
    return {**runners, "CommitteeMember": render_member(seat.member), "Share": render_shares(seat.shares)}
