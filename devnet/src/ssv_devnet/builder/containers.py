"""What a builder and a proposer exchange, and the way from a full payload to its header and back.

Fulu only, whose bids and blocks have Electra's shape.

Source: builder-specs specs/electra/builder.md, specs/fulu/builder.md.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated, Any, TypeVar

from ssz.sedes import bytes48, bytes96, uint256

from ssv_protocol.types.beacon import fulu
from ssv_protocol.types.beacon.deneb import commitments_sedes
from ssv_protocol.types.fast_codec import FastSszContainer
from ssv_protocol.types.ids import BlsPublicKey, BlsSignature
from ssv_protocol.types.ssz import SszContainer

C = TypeVar("C", bound=SszContainer)


@dataclass(frozen=True, slots=True)
class BuilderBid(FastSszContainer):
    """A header that the builder would pay `value_wei` for to see in a block."""

    header: fulu.ExecutionPayloadHeader
    blob_kzg_commitments: Annotated[tuple[bytes, ...], commitments_sedes]
    execution_requests: fulu.ExecutionRequests
    value_wei: Annotated[int, uint256]
    pubkey: Annotated[BlsPublicKey, bytes48]


@dataclass(frozen=True, slots=True)
class SignedBuilderBid(FastSszContainer):
    """`BuilderBid` with the builder's signature."""

    message: BuilderBid
    signature: Annotated[BlsSignature, bytes96]


def header_of(payload: fulu.ExecutionPayload) -> fulu.ExecutionPayloadHeader:
    """Return the payload with roots in place of its lists; the hash tree root stays."""
    return _convert(
        fulu.ExecutionPayloadHeader,
        payload,
        transactions_root=payload.field_root("transactions"),
        withdrawals_root=payload.field_root("withdrawals"),
    )


def unblinded(signed: fulu.SignedBlindedBeaconBlock, payload: fulu.ExecutionPayload) -> fulu.SignedBlockContents:
    """Return the full block, without blobs, under the same signature: its root is that of the blinded block."""
    body = _convert(fulu.BeaconBlockBody, signed.message.body, execution_payload=payload)
    block = _convert(fulu.BeaconBlock, signed.message, body=body)
    return fulu.SignedBlockContents(fulu.SignedBeaconBlock(block, signed.signature), (), ())


def _convert(target: type[C], source: SszContainer, **changed: Any) -> C:
    """Return a `target` with the fields of the same name of `source`, except those that are given."""
    names = [field.name for field in fields(target)]  # type: ignore[arg-type]
    return target(**{name: changed[name] if name in changed else getattr(source, name) for name in names})
