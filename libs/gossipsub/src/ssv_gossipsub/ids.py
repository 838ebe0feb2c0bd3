"""Names of peers and messages."""

from collections.abc import Callable
from typing import NewType

from ssv_gossipsub.wire.message import Message

PeerId = NewType("PeerId", bytes)
"""The bytes of a libp2p peer id, as the `from` field of a message carries it."""

MessageId = NewType("MessageId", bytes)
"""What tells one message from another; each network derives it in its own way."""

MessageIdFunction = Callable[[Message], MessageId]
"""Deterministic, total, and the same at all nodes of the network."""
