"""What a decided value makes each duty sign, for every role that decides.

Only what 2f + 1 operators committed to comes here (`evidence`). A value that is not well-formed, or that is a block
of another slot, is refused whole: no honest quorum decides it.

Source: ssv-spec ssv/*.go (ProcessConsensus); architecture §5.4.
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
from ssv_protocol.types.beacon.block_proposal import BlockProposal
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
    """Return what the duties of a role and slot sign under a decided value; the role must be one of `DUTY_TYPES`.

    Raises:
        ProtocolError: the value is not in order; those of its decoding and validation, VALUE_INVALID.
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
            proposal = _proposal(value, slot)
            return tuple(block_object(chain, slot, proposal, duty) for duty in duties)
        case RunnerRole.SYNC_COMMITTEE_CONTRIBUTION:
            contributions = _alan_value(value, BeaconRole.SYNC_COMMITTEE_CONTRIBUTION).contributions()
            return tuple(item for duty in duties for item in contribution_objects(chain, slot, contributions, duty))
        case RunnerRole.AGGREGATOR_COMMITTEE:
            data = AggregatorCommitteeConsensusData.decode(value)
            data.validate()
            return aggregator_committee_objects(chain, slot, data, duties)
        case _:
            raise ProtocolError(Reason.MESSAGE_ROLE, f"role {role} decides nothing")


def _proposal(value: bytes, slot: Slot) -> BlockProposal:
    data = ProposerConsensusData.decode(value)
    data.validate()
    proposal = data.proposal()
    if proposal.block.slot != slot:
        raise ProtocolError(Reason.VALUE_INVALID, f"a block of slot {proposal.block.slot} in slot {slot}")
    return proposal


def _alan_value(value: bytes, kind: BeaconRole) -> ValidatorConsensusData:
    data = ValidatorConsensusData.decode(value)
    if data.duty.type != kind:
        raise ProtocolError(Reason.DUTY_ROLE, f"beacon role {data.duty.type}")
    return data
