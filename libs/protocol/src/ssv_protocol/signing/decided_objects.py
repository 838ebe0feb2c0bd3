"""From a decided value to what each validator signs, for every role that has a consensus.

Not judged here: whether the value was decided, and whether it may be signed.

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
from ssv_protocol.types.roles import RunnerRole
from ssv_protocol.types.validator_data import ValidatorConsensusData


def decided_objects(
    chain: BeaconChain, role: RunnerRole, slot: Slot, value: bytes, duties: Sequence[ValidatorDuty]
) -> tuple[PostConsensusObject, ...]:
    """Return what the validators of `duties` sign of a decided value, in the order that the message has.

    Raises:
        ProtocolError: SSZ_DECODE and others of the value's decoding; NO_POST_CONSENSUS_PHASE for the other roles.
    """
    match role:
        case RunnerRole.COMMITTEE:
            return committee_objects(chain, slot, BeaconVote.decode(value), duties)
        case RunnerRole.AGGREGATOR_COMMITTEE:
            return aggregator_committee_objects(chain, slot, AggregatorCommitteeConsensusData.decode(value), duties)
        case RunnerRole.PROPOSER:
            proposal = ProposerConsensusData.decode(value).proposal()
            return tuple(block_object(chain, slot, proposal, duty) for duty in duties)
        case RunnerRole.AGGREGATOR:
            message = ValidatorConsensusData.decode(value).aggregate_and_proof()
            return tuple(aggregate_object(chain, slot, message, duty) for duty in duties)
        case RunnerRole.SYNC_COMMITTEE_CONTRIBUTION:
            items = ValidatorConsensusData.decode(value).contributions()
            return tuple(item for duty in duties for item in contribution_objects(chain, slot, items, duty))
        case _:
            raise ProtocolError(Reason.NO_POST_CONSENSUS_PHASE, role.name)
