"""Committees: their id, and how many of them make a quorum.

Source: ssv-spec types/committee_id.go, types/operator.go.
"""

from collections.abc import Iterable
from hashlib import sha256

from ssv_protocol.types.ids import CommitteeId, OperatorId

COMMITTEE_SIZES = (4, 7, 10, 13)
"""Sizes that the contract admits: 3f + 1 for f = 1 … 4."""


def committee_id(operator_ids: Iterable[OperatorId]) -> CommitteeId:
    """Return SHA-256 over the ascending operator ids, each as uint32 little-endian (higher bits are cut)."""
    joined = b"".join((oid & 0xFFFFFFFF).to_bytes(4, "little") for oid in sorted(operator_ids))
    return CommitteeId(sha256(joined).digest())


def faulty_nodes(size: int) -> int:
    """Return f, the number of faulty operators that a committee of `size` survives."""
    return (size - 1) // 3


def quorum(size: int) -> int:
    """Return 2f + 1."""
    return 2 * faulty_nodes(size) + 1


def partial_quorum(size: int) -> int:
    """Return f + 1: at least one of them is honest."""
    return faulty_nodes(size) + 1
