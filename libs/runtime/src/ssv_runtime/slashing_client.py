"""Slashing records between a signer and a file in the interchange format (EIP-3076); the caller is `cli`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssv_api.v1 import signer_pb2 as pb
from ssv_protocol.signing import watermarks
from ssv_protocol.signing.interchange import Interchange
from ssv_protocol.types.ids import Root
from ssv_runtime import slashing_wire

if TYPE_CHECKING:
    from ssv_api.v1.signer_pb2_grpc import SignerAsyncStub

DEADLINE_S = 60.0
"""For ten thousand shares on a slow disk."""


async def export_from(signer: SignerAsyncStub) -> Interchange:
    """Return the records of all keys of a signer, in minimal form; raises grpc.aio.AioRpcError."""
    answer = await signer.ExportSlashing(pb.ExportSlashingRequest(), timeout=DEADLINE_S)
    records = dict(slashing_wire.decode(message) for message in answer.records)
    return watermarks.to_interchange(Root(answer.genesis_validators_root), records)


async def import_into(
    signer: SignerAsyncStub, given: Interchange, *, accept_future: bool = False
) -> pb.ImportSlashingResponse:
    """Merge a file of either form into the records of a signer; raises grpc.aio.AioRpcError."""
    records = [slashing_wire.encode(key, record) for key, record in watermarks.records_of(given).items()]
    request = pb.ImportSlashingRequest(
        genesis_validators_root=given.genesis_validators_root, records=records, accept_future=accept_future
    )
    return await signer.ImportSlashing(request, timeout=DEADLINE_S)
