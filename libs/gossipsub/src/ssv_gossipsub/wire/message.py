"""A message as it travels. Source: pubsub specification, "The Message"; GossipSub v1.0, "Protobuf"."""

from typing import NamedTuple


class Message(NamedTuple):
    """A tuple, not a dataclass: one is made for each message received, duplicates included.

    `signature` and `key` are None when the field is absent: a network without signatures refuses even empty ones.
    """

    author: bytes
    """Peer id of the publisher (`from`), empty when absent."""
    data: bytes
    seqno: bytes
    topic: str
    signature: bytes | None
    key: bytes | None
    encoded: bytes
    """The protobuf of all the above, fields in ascending order, each once: what is forwarded."""
