"""Other values than the one that was proposed: as good as it in every peer's eyes, or bad."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

from ssv_devnet.simulation.forgery import with_other_checkpoints, with_other_head
from ssv_devnet.simulation.machines.blocks import blinded_block
from ssv_protocol.types.aggregator_committee_data import AggregatorCommitteeConsensusData
from ssv_protocol.types.beacon.attestation import ElectraAggregateAndProof
from ssv_protocol.types.contributions import Contribution, encode_contributions
from ssv_protocol.types.ids import BlsSignature, MessageId, Root, Slot
from ssv_protocol.types.message_id import message_role
from ssv_protocol.types.proposer_data import ProposerConsensusData
from ssv_protocol.types.roles import RunnerRole
from ssv_protocol.types.validator_data import ValidatorConsensusData


def another_value(message_id: MessageId, value: bytes, which: int) -> bytes:
    """Return a value of the same duty that passes the same check; `which` from 1 gives different ones."""
    match message_role(message_id):
        case RunnerRole.COMMITTEE:
            return with_other_head(value, which)
        case RunnerRole.PROPOSER:
            return _other_block(value, which, 0)
        case RunnerRole.AGGREGATOR:
            data = ValidatorConsensusData.decode(value)
            message = data.aggregate_and_proof()
            if not isinstance(message, ElectraAggregateAndProof):
                raise TypeError("the simulated chain is past Electra")
            other = replace(message, aggregate=replace(message.aggregate, signature=_signature(which)))
            return replace(data, data=other.encode()).encode()
        case RunnerRole.SYNC_COMMITTEE_CONTRIBUTION:
            data = ValidatorConsensusData.decode(value)
            items = tuple(
                Contribution(item.selection_proof, replace(item.contribution, signature=_signature(which)))
                for item in data.contributions()
            )
            return replace(data, data=encode_contributions(items)).encode()
    aggregates = AggregatorCommitteeConsensusData.decode(value)
    contributions = tuple(
        replace(item, signature=_signature(which)) for item in aggregates.sync_committee_contributions
    )
    return replace(aggregates, sync_committee_contributions=contributions).encode()


def bad_value(message_id: MessageId, value: bytes) -> bytes:
    """Return a value that no honest operator agrees to, the more harmful the better."""
    match message_role(message_id):
        case RunnerRole.COMMITTEE:
            return with_other_checkpoints(value)
        case RunnerRole.PROPOSER:
            return _other_block(value, 1, 1)
    return value[:-1]


def _other_block(value: bytes, which: int, slots_later: int) -> bytes:
    data = ProposerConsensusData.decode(value)
    block = data.proposal().block
    other = blinded_block(
        Slot(block.slot + slots_later),
        block.proposer_index,
        block.body.randao_reveal,
        block.body.graffiti,
        Root(sha256(block.state_root + bytes([which])).digest()),
    )
    return replace(data, data=other.encode()).encode()


def _signature(which: int) -> BlsSignature:
    return BlsSignature(bytes([which]) * 96)
