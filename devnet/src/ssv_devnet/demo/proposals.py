"""The SSV validators' blocks: whose proposal was taken, which graffiti tells, and whether it was blinded."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ssv_devnet.graffiti import operator_of
from ssv_devnet.observer import Observation
from ssv_protocol.types.ids import OperatorId, Slot, ValidatorIndex


@dataclass(frozen=True, slots=True)
class Proposal:
    """A due proposal. `operator_id` says whose block the committee signed, None when that can't be told."""

    slot: Slot
    validator_index: ValidatorIndex
    on_chain: bool
    operator_id: OperatorId | None = None
    blinded: bool = False


def proposals_of(observation: Observation, blinded: Collection[Slot]) -> list[Proposal]:
    """Return the due proposals in the order of their slots, given the slots with a block that was blinded."""
    return [_proposal(observation, slot, index, blinded) for slot, index in sorted(observation.proposals_due)]


def _proposal(observation: Observation, slot: Slot, index: ValidatorIndex, blinded: Collection[Slot]) -> Proposal:
    block = observation.blocks.get(slot)
    if block is None or block.votes.proposer_index != index:
        return Proposal(slot, index, on_chain=False)
    return Proposal(slot, index, on_chain=True, operator_id=operator_of(block.graffiti), blinded=slot in blinded)
