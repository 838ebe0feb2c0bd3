"""Slashing records between a signer and a file in the interchange format (EIP-3076); the caller is `cli`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssv_api.v1 import signer_pb2 as pb
from ssv_protocol.signing import watermarks
from ssv_protocol.signing.interchange import Interchange, KeyHistory
from ssv_protocol.types.ids import BlsPublicKey, Root
from ssv_runtime import slashing_wire

if TYPE_CHECKING:
    from ssv_api.v1.signer_pb2_grpc import SignerAsyncStub

DEADLINE_S = 60.0
"""For ten thousand shares on a slow disk."""
HISTORY_DEADLINE_S = 1800.0
_MOST_ENTRIES = 10_000


async def export_from(signer: SignerAsyncStub) -> Interchange:
    """Return the records of all keys of a signer, in minimal form; raises grpc.aio.AioRpcError."""
    answer = await signer.ExportSlashing(pb.ExportSlashingRequest(), timeout=DEADLINE_S)
    records = dict(slashing_wire.decode(message) for message in answer.records)
    return watermarks.to_interchange(Root(answer.genesis_validators_root), records)


async def export_complete_from(signer: SignerAsyncStub) -> Interchange:
    """Return everything that the keys of a signer are known to have signed; raises grpc.aio.AioRpcError.

    A signer that keeps no history refuses, with the reason "history_not_kept".
    """
    root = (await signer.ExportSlashing(pb.ExportSlashingRequest(), timeout=DEADLINE_S)).genesis_validators_root
    keys: dict[BlsPublicKey, KeyHistory] = {}
    async for message in signer.ExportSlashingHistory(pb.ExportSlashingHistoryRequest(), timeout=HISTORY_DEADLINE_S):
        part = slashing_wire.decode_history(message)
        known = keys.get(part.pubkey, KeyHistory(part.pubkey))
        keys[part.pubkey] = KeyHistory(part.pubkey, known.blocks + part.blocks, known.attestations + part.attestations)
    return Interchange(Root(root), tuple(keys[key] for key in sorted(keys)))


async def import_into(
    signer: SignerAsyncStub, given: Interchange, *, accept_future: bool = False
) -> pb.ImportSlashingResponse:
    """Merge a file of either form into the records of a signer; raises grpc.aio.AioRpcError.

    What forbids is merged last and at once; what a signer keeps as history goes before it, in parts.
    """
    await _import_history(signer, given, accept_future=accept_future)
    records = [slashing_wire.encode(key, record) for key, record in watermarks.records_of(given).items()]
    request = pb.ImportSlashingRequest(
        genesis_validators_root=given.genesis_validators_root, records=records, accept_future=accept_future
    )
    return await signer.ImportSlashing(request, timeout=DEADLINE_S)


async def _import_history(signer: SignerAsyncStub, given: Interchange, *, accept_future: bool) -> None:
    histories: dict[BlsPublicKey, KeyHistory] = {}
    for key in given.keys:
        known = histories.get(key.pubkey, KeyHistory(key.pubkey))
        histories[key.pubkey] = KeyHistory(key.pubkey, known.blocks + key.blocks, known.attestations + key.attestations)
    batch: list[pb.SignedHistory] = []
    entries = 0
    for message in [part for history in histories.values() for part in slashing_wire.parts(history, _MOST_ENTRIES)]:
        batch.append(message)
        entries += 1 + len(message.attestations) + len(message.blocks)
        if entries >= _MOST_ENTRIES:
            if not await _import_batch(signer, given.genesis_validators_root, batch, accept_future=accept_future):
                return
            batch, entries = [], 0
    if batch:
        await _import_batch(signer, given.genesis_validators_root, batch, accept_future=accept_future)


async def _import_batch(
    signer: SignerAsyncStub, genesis_validators_root: Root, batch: list[pb.SignedHistory], *, accept_future: bool
) -> bool:
    request = pb.ImportSlashingHistoryRequest(
        genesis_validators_root=genesis_validators_root, histories=batch, accept_future=accept_future
    )
    return (await signer.ImportSlashingHistory(request, timeout=DEADLINE_S)).kept
