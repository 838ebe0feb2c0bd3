"""Node ids and the distance between them.

Source: discv5-theory.md, *Nodes, Records and Distances*.
"""

from typing import NewType

NodeId = NewType("NodeId", bytes)
"""keccak256 of the uncompressed public key without its prefix: 32 bytes."""

RequestId = NewType("RequestId", bytes)
"""What pairs a response with its request: at most 8 bytes, chosen by the requester."""

NODE_ID_SIZE = 32
MAX_DISTANCE = 256


def distance(a: NodeId, b: NodeId) -> int:
    """Return the XOR of two ids as a big-endian number."""
    return int.from_bytes(a, "big") ^ int.from_bytes(b, "big")


def log_distance(a: NodeId, b: NodeId) -> int:
    """Return the length in bits of the suffix in which two ids differ: 0 for equal ids, else 1 to 256."""
    return distance(a, b).bit_length()


def id_at_distance(origin: NodeId, log: int, filling: bytes) -> NodeId:
    """Return an id at log distance `log` (1 to 256) from `origin`, its free bits taken from 32 bytes of `filling`."""
    lead = 1 << (log - 1)
    difference = lead | (int.from_bytes(filling, "big") & (lead - 1))
    return NodeId((int.from_bytes(origin, "big") ^ difference).to_bytes(NODE_ID_SIZE, "big"))
