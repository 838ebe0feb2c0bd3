"""A runner as a test brings it, in its seat, on its lane, with a shell around it; and the dispatchers of the vectors.

What the specification's runner is between two duties is a lane here; a runner is the machine of one duty. Seats answer
as the vectors' test doubles do: a vote is slashable when a test says so, selection goes by committee index or by proof,
everyone is selected by default, and before Boole a subcommittee has the number of the position in the sync committee.

Source: ssv-spec ssv/spectest/run_test.go; types/testingutils/runner.go, committee.go, validator.go, beacon_node.go.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ssv_protocol.effects import Effect
from ssv_protocol.runners.committee_duties import CommitteeDuties
from ssv_protocol.runners.consensus_phase import ConsensusLane
from ssv_protocol.runners.duty_lane import DutyLane
from ssv_protocol.runners.runner import Duty, Runner
from ssv_protocol.runners.seats import CommitteeSeat, ValidatorSeat, only_share
from ssv_protocol.runners.selection import Selection, subcommittee_of
from ssv_protocol.runners.table import AGGREGATOR_COMMITTEE_RUNNER, COMMITTEE_RUNNER, VALIDATOR_RUNNERS
from ssv_protocol.runners.validator_duties import ValidatorDuties
from ssv_protocol.types.beacon_vote import BeaconVote
from ssv_protocol.types.duty import AggregatorCommitteeDuty, CommitteeDuty, ValidatorDuty
from ssv_protocol.types.ids import BlsSignature, Instant, MessageId, Slot
from ssv_protocol.types.message_id import COMMITTEE_ROLES, committee_message_id, validator_message_id
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.operator import CommitteeMember
from ssv_protocol.types.roles import RunnerRole
from tests.spec.case import Version
from tests.spec.go_json import Json, parse_bytes, parse_member
from tests.spec.ssv_chain import DUTY_SLOT, GAS_LIMIT, network
from tests.spec.ssv_json import (
    Shares,
    find_duty,
    load_controller,
    parse_progress,
    parse_shares,
    render_base_runner,
)
from tests.spec.ssv_keys import DOMAIN, committee_member
from tests.spec.ssv_shell import Shell

Step = tuple[DutyLane, list[Effect]]
Receive = Callable[[SignedSSVMessage, Instant], Step]


class SpecCommittee(CommitteeDuties):
    """A committee whose controllers keep all instances, as the specification's do."""

    def new_lane(self, role: RunnerRole, slot: Slot) -> DutyLane:
        """Return the lane of a new duty."""
        return DutyLane(new_consensus(role, self.seat))


class Bench:
    """A test's runner. `slashable_slots` are those whose votes the operator's shares may not sign."""

    def __init__(self, version: Version, tree: Json, selection: Selection) -> None:
        base = tree["BaseRunner"]
        self.role = RunnerRole(base["RunnerRoleType"])
        self.shares = parse_shares(base["Share"])
        self.slashable_slots: set[Slot] = set()
        controller = base["QBFTController"]
        if controller is None:
            self.member = committee_member(len(next(iter(self.shares.values())).committee))
        else:
            self.member = parse_member(controller["CommitteeMember"])
        self.seat = seat_of(version, self.role, self.member, self.shares, selection, self._is_slashable)
        self.shell = Shell(self.member, self.shares)
        self.lane = DutyLane(new_consensus(self.role, self.seat))
        if controller is not None:
            assert self.lane.consensus is not None
            assert self.lane.consensus.controller.identifier == MessageId(parse_bytes(controller["Identifier"]))
            load_controller(controller, self.lane.consensus)
        if base["State"] is not None:
            duty = find_duty(base["State"])
            assert duty is not None
            self.lane.runner = self._make(duty)
            self.lane.runner.resume(parse_progress(base["State"], self.lane.consensus))

    def start(self, duty: Duty) -> Step:
        """Begin a duty on the lane, past every dispatcher."""
        return self.lane, self.lane.start(duty.slot, partial(self._make, duty))

    def dispatcher(self, duty: Duty) -> tuple[Callable[[], Step], Receive]:
        """Return how the duty begins and messages come in by way of the dispatcher of the role."""
        if isinstance(self.seat, CommitteeSeat):
            assert not isinstance(duty, ValidatorDuty)
            committee = LaneOfTest(self.seat, self.lane)
            committee.lanes[self.role, duty.slot] = self.lane
            return partial(committee.start, duty), committee.receive
        assert isinstance(duty, ValidatorDuty)
        validator = ValidatorDuties(self.seat)
        validator.lanes[self.role] = self.lane
        return partial(validator.start, duty), validator.receive

    def render(self) -> Json:
        """Write the runner as it is now."""
        lane = self.lane
        return render_base_runner(self.role, self.shares, self.member.quorum, lane.consensus, lane.runner)

    def _make(self, duty: Duty) -> Runner:
        return make_runner(self.role, self.seat, duty, self.lane.consensus)

    def _is_slashable(self, vote: BeaconVote, slot: Slot) -> bool:
        """The vectors' check asks about one slot, whatever the duty's is."""
        return DUTY_SLOT in self.slashable_slots


class LaneOfTest(CommitteeDuties):
    """A committee in which the duty begins on the lane that the test brings."""

    def __init__(self, seat: CommitteeSeat, lane: DutyLane) -> None:
        super().__init__(seat)
        self._lane = lane

    def start(self, duty: CommitteeDuty | AggregatorCommitteeDuty) -> Step:
        """Begin the duty on the test's lane."""
        del self.lanes[duty.ROLE, duty.slot]
        return super().start(duty)

    def new_lane(self, role: RunnerRole, slot: Slot) -> DutyLane:
        """Return the lane of the test."""
        return self._lane


def seat_of(
    version: Version,
    role: RunnerRole,
    member: CommitteeMember,
    shares: Shares,
    selection: Selection,
    slashable: Callable[[BeaconVote, Slot], bool] = lambda vote, slot: False,
) -> CommitteeSeat | ValidatorSeat:
    """Return the seat of a role; raises ProtocolError ONE_SHARE_ONLY."""
    rules = network(version)
    if role in COMMITTEE_ROLES:
        return CommitteeSeat(member, shares, rules, slashable=slashable, selection=selection)
    return ValidatorSeat(
        member,
        only_share(shares),
        rules,
        gas_limit=GAS_LIMIT,
        propose_blinded=False,
        same_slot=False,
        selection=selection,
    )


def new_consensus(role: RunnerRole, seat: CommitteeSeat | ValidatorSeat) -> ConsensusLane | None:
    """Return a controller that keeps all instances; None for roles without consensus."""
    if role in {RunnerRole.VALIDATOR_REGISTRATION, RunnerRole.VOLUNTARY_EXIT}:
        return None
    if isinstance(seat, CommitteeSeat):
        message_id = committee_message_id(DOMAIN, role, seat.member.committee_id)
    else:
        message_id = validator_message_id(DOMAIN, role, seat.share.validator_pubkey)
    return ConsensusLane(message_id, seat.member, seat.network, seat.cutoff_round, stored_instances=None)


def make_runner(
    role: RunnerRole, seat: CommitteeSeat | ValidatorSeat, duty: Duty, lane: ConsensusLane | None
) -> Runner:
    """Return the role's machine from the table."""
    if isinstance(seat, ValidatorSeat):
        assert isinstance(duty, ValidatorDuty)
        return VALIDATOR_RUNNERS[role](seat, duty, lane)
    if isinstance(duty, CommitteeDuty):
        return COMMITTEE_RUNNER(seat, duty, lane)
    assert isinstance(duty, AggregatorCommitteeDuty)
    return AGGREGATOR_COMMITTEE_RUNNER(seat, duty, lane)


def selection_of(version: Version, tree: Json) -> Selection:
    """Return how a test's beacon node selects aggregators."""
    indices, values = tree.get("BeaconAggregators") or (), tree.get("BeaconAggregatorsValues") or ()
    by_committee: dict[int, bool] = dict(zip(indices, values, strict=True))
    proofs: dict[str, bool] = tree.get("ProofRootsMap") or {}

    def is_aggregator(duty: ValidatorDuty, proof: BlsSignature) -> bool:
        return by_committee.get(duty.committee_index, True)

    def is_sync_aggregator(proof: BlsSignature) -> bool:
        return proofs.get(proof.hex(), False) if proofs else True

    return Selection(
        is_aggregator, is_sync_aggregator, subcommittee_of if version == "boole" else lambda position: position
    )
