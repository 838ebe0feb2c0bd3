from __future__ import annotations

import pytest

from ssv_api.v1 import signer_pb2 as pb
from ssv_protocol.signing.leases import Lease
from ssv_protocol.types.ids import Fence, Slot
from ssv_runtime import lease_wire
from ssv_runtime.lease_wire import LeaseMalformed


def test_a_lease_arrives_as_it_left() -> None:
    lease = Lease(bytes(range(16)), Fence(3), 2**40, Slot(7))
    sent = pb.Lease.FromString(lease_wire.encode(lease).SerializeToString())
    assert lease_wire.decode(sent) == lease


@pytest.mark.parametrize("size", [0, 15, 17])
def test_no_lease_without_a_lineage(size: int) -> None:
    with pytest.raises(LeaseMalformed, match=f"{size} bytes"):
        lease_wire.decode(pb.Lease(lineage=bytes(size), fence=1, seq=1))
