"""From a decided value to what each validator signs, for every role that has a consensus.

A value that is not in order is refused whole: no honest quorum decides it.

Not judged here: whether the value was decided (`evidence`), and whether it may be signed (`slashable`).

Source: ssv-spec ssv/*.go (ProcessConsensus); at v1.2.2 for roles 1 and 3.
"""

from __future__ import annotations

from collections.abc import Sequence

from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.signing.objects import (
    PostConsensusObject,
    aggregate_object,
    aggregator_committee_objects,
    block_object,
    committee_objects,
    contribution_objects,
)
from ssv_protocol.types.aggregator_committee_data import AggregatorCommitteeConsensusData
from ssv_protocol.types.beacon_vote import BeaconVote
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import Slot
from ssv_protocol.types.proposer_data import ProposerConsensusData
from ssv_protocol.types.roles import BeaconRole, RunnerRole
from ssv_protocol.types.validator_data import ValidatorConsensusData

DUTY_TYPES: dict[RunnerRole, frozenset[BeaconRole]] = {
    RunnerRole.COMMITTEE: frozenset({BeaconRole.ATTESTER, BeaconRole.SYNC_COMMITTEE}),
    RunnerRole.AGGREGATOR: frozenset({BeaconRole.AGGREGATOR}),
    RunnerRole.PROPOSER: frozenset({BeaconRole.PROPOSER}),
    RunnerRole.SYNC_COMMITTEE_CONTRIBUTION: frozenset({BeaconRole.SYNC_COMMITTEE_CONTRIBUTION}),
    RunnerRole.AGGREGATOR_COMMITTEE: frozenset({BeaconRole.AGGREGATOR, BeaconRole.SYNC_COMMITTEE_CONTRIBUTION}),
}
"""The duties that a role's decision is about; roles that are missing decide nothing."""


def decided_objects(
    chain: BeaconChain, role: RunnerRole, slot: Slot, value: bytes, duties: Sequence[ValidatorDuty]
) -> tuple[PostConsensusObject, ...]:
    """Return what the validators of `duties` sign of a decided value, in the order that the message has.

    Raises:
        ProtocolError: those of the value's decoding and validation; DUTY_ROLE for a value of another duty than the
            role's; NO_POST_CONSENSUS_PHASE for roles without consensus.
    """
    match role:
        case RunnerRole.COMMITTEE:
            vote = BeaconVote.decode(value)
            vote.validate()
            return committee_objects(chain, slot, vote, duties)
        case RunnerRole.AGGREGATOR:
            aggregate = _alan_value(value, BeaconRole.AGGREGATOR).aggregate_and_proof()
            return tuple(aggregate_object(chain, slot, aggregate, duty) for duty in duties)
        case RunnerRole.PROPOSER:
            data = ProposerConsensusData.decode(value)
            data.validate()
            proposal = data.proposal()
            return tuple(block_object(chain, slot, proposal, duty) for duty in duties)
        case RunnerRole.SYNC_COMMITTEE_CONTRIBUTION:
            contributions = _alan_value(value, BeaconRole.SYNC_COMMITTEE_CONTRIBUTION).contributions()
            return tuple(item for duty in duties for item in contribution_objects(chain, slot, contributions, duty))
        case RunnerRole.AGGREGATOR_COMMITTEE:
            aggregates = AggregatorCommitteeConsensusData.decode(value)
            aggregates.validate()
            return aggregator_committee_objects(chain, slot, aggregates, duties)
        case _:
            raise ProtocolError(Reason.NO_POST_CONSENSUS_PHASE, role.name)


def _alan_value(value: bytes, kind: BeaconRole) -> ValidatorConsensusData:
    data = ValidatorConsensusData.decode(value)
    if data.duty.type != kind:
        raise ProtocolError(Reason.DUTY_ROLE, f"beacon role {data.duty.type}")
    return data
