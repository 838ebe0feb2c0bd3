"""Leases in the signer's gRPC messages, for both ends."""

from __future__ import annotations

from ssv_api.v1 import signer_pb2 as pb
from ssv_protocol.errors import SsvError
from ssv_protocol.signing.leases import LINEAGE_BYTES, Lease
from ssv_protocol.types.ids import Fence, Slot


class LeaseMalformed(SsvError):
    """A message holds no lease."""


def encode(lease: Lease) -> pb.Lease:
    """Return a lease as it travels."""
    return pb.Lease(lineage=lease.lineage, fence=lease.fence, seq=lease.seq, slot=lease.slot)


def decode(message: pb.Lease) -> Lease:
    """Return the lease in a message; raises LeaseMalformed."""
    lineage = message.lineage
    if len(lineage) != LINEAGE_BYTES:
        raise LeaseMalformed(f"a lineage has {len(lineage)} bytes and not {LINEAGE_BYTES}")
    return Lease(lineage, Fence(message.fence), message.seq, Slot(message.slot))
