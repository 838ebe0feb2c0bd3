"""Runners for the ssv vectors that need no duty: value checks, containers of share signatures, construction of runners.

Source: ssv-spec ssv/spectest/tests/valcheck, partialsigcontainer and runner/construction.
"""

from __future__ import annotations

from collections.abc import Callable

from ssv_protocol.crypto.combine import combine
from ssv_protocol.effects import Combine, ShareSignatures
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.qbft.config import ValueCheck
from ssv_protocol.runners.aggregator_data_check import check_aggregator_data
from ssv_protocol.runners.beacon_vote_check import BeaconVoteCheck
from ssv_protocol.runners.partial_signature_container import PartialSignatureContainer
from ssv_protocol.runners.proposer_check import ProposerCheck
from ssv_protocol.runners.runner import Duty
from ssv_protocol.runners.validator_data_check import ValidatorDataCheck
from ssv_protocol.types.beacon.attestation import AttestationData
from ssv_protocol.types.beacon_vote import BeaconVote
from ssv_protocol.types.duty import AggregatorCommitteeDuty, CommitteeDuty, ValidatorDuty
from ssv_protocol.types.ids import BlsPublicKey, Epoch, Slot
from ssv_protocol.types.roles import BeaconRole, RunnerRole
from tests.spec.case import Case, Version
from tests.spec.case import Runner as CaseRunner
from tests.spec.error_codes import check_error
from tests.spec.go_json import Json, parse_bytes
from tests.spec.ssv_bench import make_runner, new_consensus, seat_of, selection_of
from tests.spec.ssv_chain import BLOCK_ROOT, CHAIN, DUTY_SLOT, NOW, network
from tests.spec.ssv_json import Shares, parse_shares
from tests.spec.ssv_keys import committee_member, validator_share
from tests.spec.ssv_shell import bytes_for_blinding
from tests.spec.types_json import parse_checkpoint, parse_partial_signature

_CONSTRUCTION_ERRORS = {"": None, "no shares": Reason.NO_VALIDATOR_SHARES, "must have one share": Reason.ONE_SHARE_ONLY}
_DUTY_TYPES = {
    RunnerRole.COMMITTEE: BeaconRole.ATTESTER,
    RunnerRole.AGGREGATOR: BeaconRole.AGGREGATOR,
    RunnerRole.PROPOSER: BeaconRole.PROPOSER,
    RunnerRole.SYNC_COMMITTEE_CONTRIBUTION: BeaconRole.SYNC_COMMITTEE_CONTRIBUTION,
    RunnerRole.VALIDATOR_REGISTRATION: BeaconRole.VALIDATOR_REGISTRATION,
    RunnerRole.VOLUNTARY_EXIT: BeaconRole.VOLUNTARY_EXIT,
    RunnerRole.AGGREGATOR_COMMITTEE: BeaconRole.AGGREGATOR,
}


def run_value_check(case: Case) -> None:
    """A value is accepted or refused."""
    _check_value(case.version, case.json)


def run_value_checks(case: Case) -> None:
    """Several values."""
    assert case.json["Tests"], "no sub-tests"
    for tree in case.json["Tests"]:
        _check_value(case.version, tree)


def run_container(case: Case) -> None:
    """Share signatures make a quorum, and a signature or none."""
    tree = case.json
    container = PartialSignatureContainer(tree["Quorum"])
    messages = [parse_partial_signature(item) for item in tree["SignatureMsgs"]]
    for message in messages:
        container.add(message)
    pubkey = BlsPublicKey(parse_bytes(tree["ValidatorPubKey"]))
    for index, root in dict.fromkeys((message.validator_index, message.signing_root) for message in messages):
        assert container.has_quorum(index, root) == tree["ExpectedQuorum"]
        item = ShareSignatures(index, pubkey, root, container.signatures(index, root), {})
        (result,) = combine(Combine((item,)), bytes_for_blinding).results
        failed = None if result.signature is not None else ProtocolError(Reason.RECONSTRUCT_SIGNATURE)
        check_error(tree["ExpectedErrorCode"], failed, case.version)
        assert (result.signature or b"") == parse_bytes(tree["ExpectedResult"])


def run_construction(case: Case) -> None:
    """Runners are made with the shares of a test, or refused."""
    shares = parse_shares(case.json["Shares"])
    assert case.json["RoleError"], "no roles"
    for name, expected in case.json["RoleError"].items():
        role = RunnerRole(int(name))
        reason = _construction_fault(case.version, role, shares)
        assert reason is _CONSTRUCTION_ERRORS[expected], f"role {role.name}: {reason}"


CHECKS: dict[str, CaseRunner] = {
    "valcheck.SpecTest": run_value_check,
    "valcheck.MultiSpecTest": run_value_checks,
    "partialsigcontainer.PartialSigContainerTest": run_container,
    "runnerconstruction.RunnerConstructionSpecTest": run_construction,
}


def _construction_fault(version: Version, role: RunnerRole, shares: Shares) -> Reason | None:
    try:
        seat = seat_of(version, role, committee_member(4), shares, selection_of(version, {}))
        make_runner(role, seat, _any_duty(role), new_consensus(role, seat))
    except ProtocolError as error:
        return error.reason
    return None


def _check_value(version: Version, tree: Json) -> None:
    error: ProtocolError | None = None
    try:
        _value_check(version, tree)(parse_bytes(tree["Input"]))
    except ProtocolError as problem:
        error = problem
    if tree["AnyError"]:
        assert error is not None, f"{tree['Name']}: no error"
    if tree["ExpectedErrorCode"] or not tree["AnyError"]:
        check_error(tree["ExpectedErrorCode"], error, version)


def _value_check(version: Version, tree: Json) -> ValueCheck:
    share = validator_share()
    match role := RunnerRole(tree["RunnerRole"]):
        case RunnerRole.COMMITTEE:
            source, target = parse_checkpoint(tree["ExpectedSource"]), parse_checkpoint(tree["ExpectedTarget"])
            slot = Slot(int(tree["DutySlot"]))
            own = AttestationData(slot, 0, BLOCK_ROOT, source, target)
            return BeaconVoteCheck(slot, own, slashable=_slashable(tree))
        case RunnerRole.PROPOSER:
            fork = network(version).ssv_fork_at(DUTY_SLOT)
            return ProposerCheck(
                share.validator_pubkey, share.validator_index, fork, CHAIN, _current_epoch, lambda slot: False
            )
        case RunnerRole.AGGREGATOR_COMMITTEE:
            return check_aggregator_data
        case _:
            kind = _DUTY_TYPES[role]
            return ValidatorDataCheck(kind, share.validator_pubkey, share.validator_index, CHAIN, _current_epoch)


def _slashable(tree: Json) -> Callable[[BeaconVote, Slot], bool]:
    """Return whether any of a test's shares may not vote in a slot; the names of shares are opaque bytes."""
    names = [parse_bytes(item).hex() for item in tree.get("ShareValidatorsPK") or ()]
    names = names or [validator_share().share_pubkey.hex()]
    slots = {
        Slot(int(slot)) for name, slots in (tree["SlashableSlots"] or {}).items() if name in names for slot in slots
    }
    return lambda vote, slot: slot in slots


def _current_epoch() -> Epoch:
    return CHAIN.epoch_of(CHAIN.slot_at(NOW))


def _any_duty(role: RunnerRole) -> Duty:
    share = validator_share()
    duty = ValidatorDuty(
        _DUTY_TYPES[role], share.validator_pubkey, DUTY_SLOT, share.validator_index, committee_length=1
    )
    if role is RunnerRole.COMMITTEE:
        return CommitteeDuty(DUTY_SLOT, (duty,))
    return AggregatorCommitteeDuty(DUTY_SLOT, (duty,)) if role is RunnerRole.AGGREGATOR_COMMITTEE else duty
