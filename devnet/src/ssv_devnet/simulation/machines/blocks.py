"""Blocks with nothing in them, as a builder offers them: blinded, under Fulu."""

from __future__ import annotations

from ssv_protocol.beacon_chain import BeaconFork
from ssv_protocol.types.beacon import electra
from ssv_protocol.types.beacon.block_proposal import BlockProposal
from ssv_protocol.types.beacon.operations import Eth1Data
from ssv_protocol.types.beacon.preset import BYTES_PER_LOGS_BLOOM, SYNC_COMMITTEE_SIZE
from ssv_protocol.types.beacon.sync_committee import SyncAggregate
from ssv_protocol.types.ids import ZERO_ROOT, BlsSignature, ExecutionAddress, Root, Slot, ValidatorIndex

_NO_ETH1 = Eth1Data(ZERO_ROOT, 0, ZERO_ROOT)
_NO_SYNC = SyncAggregate((False,) * SYNC_COMMITTEE_SIZE, BlsSignature(bytes(96)))
_NO_PAYLOAD = electra.ExecutionPayloadHeader(
    parent_hash=ZERO_ROOT,
    fee_recipient=ExecutionAddress(bytes(20)),
    state_root=ZERO_ROOT,
    receipts_root=ZERO_ROOT,
    logs_bloom=bytes(BYTES_PER_LOGS_BLOOM),
    prev_randao=ZERO_ROOT,
    block_number=0,
    gas_limit=0,
    gas_used=0,
    timestamp=0,
    extra_data=b"",
    base_fee_per_gas=0,
    block_hash=ZERO_ROOT,
    transactions_root=ZERO_ROOT,
    withdrawals_root=ZERO_ROOT,
    blob_gas_used=0,
    excess_blob_gas=0,
)


def blinded_block(
    slot: Slot, proposer: ValidatorIndex, reveal: BlsSignature, graffiti: bytes, state_root: Root
) -> BlockProposal:
    """Return a block; `state_root` tells it from others of the slot."""
    body = electra.BlindedBeaconBlockBody(
        randao_reveal=reveal,
        eth1_data=_NO_ETH1,
        graffiti=graffiti,
        proposer_slashings=(),
        attester_slashings=(),
        attestations=(),
        deposits=(),
        voluntary_exits=(),
        sync_aggregate=_NO_SYNC,
        execution_payload_header=_NO_PAYLOAD,
        bls_to_execution_changes=(),
        blob_kzg_commitments=(),
        execution_requests=electra.ExecutionRequests((), (), ()),
    )
    block = electra.BlindedBeaconBlock(
        slot=slot, proposer_index=proposer, parent_root=ZERO_ROOT, state_root=state_root, body=body
    )
    return BlockProposal(BeaconFork.FULU, block)
