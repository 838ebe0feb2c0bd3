"""Ids of gossip messages: the XXH64 of the data, little-endian, and four zero bytes.

Source: ssvlabs/ssv network/topics/msg_id.go.
"""

from __future__ import annotations

import xxhash

from ssv_gossipsub import Message, MessageId

_PADDING = bytes(4)


def message_id(data: bytes) -> bytes:
    """Return the 12-byte id of a message with this data, whoever published it."""
    return xxhash.xxh64_intdigest(data).to_bytes(8, "little") + _PADDING


def router_message_id(message: Message) -> MessageId:
    """Return the id of a message as the router wants it."""
    return MessageId(message_id(message.data))
