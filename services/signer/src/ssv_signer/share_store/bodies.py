"""What the external store is asked: the object that a signing root stands for, in the form of the remote-signing API.

The store computes the root from it once more, with the fork that is named here, and may refuse; so the fork is that of
the object's own epoch, by this signer's schedule.

Source: remote-signing API (signing/schemas.yaml); EIP-3030.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ssv_protocol.beacon_chain import BeaconChain, BeaconFork
from ssv_protocol.drafts import Exit, RandaoReveal, Registration, SlotSelection, SyncSelection
from ssv_protocol.signing.objects import (
    AggregateObject,
    AttestationObject,
    BlockObject,
    ContributionObject,
    Signable,
    SyncMessageObject,
)
from ssv_protocol.types.beacon.operations import BeaconBlockHeader
from ssv_protocol.types.beacon.sync_committee import SyncAggregatorSelectionData
from ssv_protocol.types.ids import Epoch, Root, Slot
from ssv_protocol.types.ssz_json import to_hex, to_json
from ssv_signer.remote.fork_info import Fork, ForkInfo

Json = dict[str, Any]


def body(chain: BeaconChain, slot: Slot, root: Root, item: Signable) -> bytes:
    """Return the request to sign `item`, whose signing root is `root`, for a duty of `slot`."""
    kind, field, plain = _typed(chain, slot, item)
    request: Json = {"type": kind, "signingRoot": to_hex(root), field: plain}
    if not isinstance(item, Registration):  # of no fork
        request["fork_info"] = to_json(fork_info(chain, _epoch(chain, slot, item)))
    return msgspec.json.encode(request)


def fork_info(chain: BeaconChain, epoch: Epoch) -> ForkInfo:
    """Return the fork of an epoch as a beacon state of it would have it."""
    fork = chain.fork_at(epoch)
    before = chain.fork_at(Epoch(fork.epoch - 1)) if fork.epoch else fork
    return ForkInfo(Fork(before.version, fork.version, fork.epoch), chain.genesis_validators_root)


def _epoch(chain: BeaconChain, slot: Slot, item: Signable) -> Epoch:
    match item:
        case RandaoReveal():
            return item.epoch
        case Exit():
            return item.exit.epoch
        case AttestationObject():
            return item.data.target.epoch
    return chain.epoch_of(slot)


def _typed(chain: BeaconChain, slot: Slot, item: Signable) -> tuple[str, str, Json]:
    """Return type, field and content."""
    match item:
        case RandaoReveal():
            return "RANDAO_REVEAL", "randao_reveal", {"epoch": str(item.epoch)}
        case SlotSelection():
            return "AGGREGATION_SLOT", "aggregation_slot", {"slot": str(item.slot)}
        case SyncSelection():
            selection = SyncAggregatorSelectionData(item.slot, item.subcommittee_index)
            return "SYNC_COMMITTEE_SELECTION_PROOF", "sync_aggregator_selection_data", to_json(selection)
        case Registration():
            return "VALIDATOR_REGISTRATION", "validator_registration", to_json(item.registration)
        case Exit():
            return "VOLUNTARY_EXIT", "voluntary_exit", to_json(item.exit)
        case AttestationObject():
            return "ATTESTATION", "attestation", to_json(item.data)
        case SyncMessageObject():
            message = {"beacon_block_root": to_hex(item.block_root), "slot": str(slot)}
            return "SYNC_COMMITTEE_MESSAGE", "sync_committee_message", message
        case BlockObject():
            return "BLOCK_V2", "beacon_block", _block(item)
        case AggregateObject():
            return _aggregate(chain.fork_at(chain.epoch_of(slot)).fork, item)
        case ContributionObject():
            plain = to_json(item.message)
            return "SYNC_COMMITTEE_CONTRIBUTION_AND_PROOF", "contribution_and_proof", plain


def _block(item: BlockObject) -> Json:
    block = item.proposal.block
    header = BeaconBlockHeader(
        block.slot, block.proposer_index, block.parent_root, block.state_root, block.field_root("body")
    )
    return {"version": item.proposal.fork.name, "block_header": to_json(header)}


def _aggregate(fork: BeaconFork, item: AggregateObject) -> tuple[str, str, Json]:
    plain, field = to_json(item.message), "aggregate_and_proof"
    if fork < BeaconFork.ELECTRA:
        return "AGGREGATE_AND_PROOF", field, plain
    return "AGGREGATE_AND_PROOF_V2", field, {"version": fork.name, "data": plain}
