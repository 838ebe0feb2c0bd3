"""The authdata section of each kind of packet.

Source: discv5-wire.md, *Ordinary Message Packet*, *WHOAREYOU Packet*, *Handshake Message Packet*.
"""

import struct
from dataclasses import dataclass

from ssv_discv5.errors import MalformedError
from ssv_discv5.identity import PUBLIC_KEY_SIZE, SIGNATURE_SIZE
from ssv_discv5.ids import NODE_ID_SIZE, NodeId

ID_NONCE_SIZE = 16
ORDINARY_SIZE = NODE_ID_SIZE

_WHOAREYOU = struct.Struct(f">{ID_NONCE_SIZE}sQ")
_HEAD = struct.Struct(f">{NODE_ID_SIZE}sBB")


@dataclass(frozen=True, slots=True)
class WhoAreYou:
    """A challenge: random bytes, and the sequence number of the record that the challenger has (0: none)."""

    id_nonce: bytes
    enr_seq: int

    def encode(self) -> bytes:
        """Return the 24 bytes."""
        return _WHOAREYOU.pack(self.id_nonce, self.enr_seq)

    @classmethod
    def decode(cls, data: bytes) -> "WhoAreYou":
        """Raise MalformedError unless `data` has 24 bytes."""
        if len(data) != _WHOAREYOU.size:
            raise MalformedError("a WHOAREYOU of wrong size")
        return cls(*_WHOAREYOU.unpack(data))


@dataclass(frozen=True, slots=True)
class Handshake:
    """The answer to a challenge; `record` is the raw record, empty when the challenger has it."""

    source: NodeId
    id_signature: bytes
    ephemeral_key: bytes
    record: bytes

    def encode(self) -> bytes:
        """Return the bytes of a handshake of identity scheme v4."""
        head = _HEAD.pack(self.source, SIGNATURE_SIZE, PUBLIC_KEY_SIZE)
        return head + self.id_signature + self.ephemeral_key + self.record

    @classmethod
    def decode(cls, data: bytes) -> "Handshake":
        """Raise MalformedError unless `data` is a handshake of identity scheme v4."""
        fixed = _HEAD.size + SIGNATURE_SIZE + PUBLIC_KEY_SIZE
        if len(data) < fixed:
            raise MalformedError("a handshake cut short")
        source, signature_size, key_size = _HEAD.unpack_from(data)
        if (signature_size, key_size) != (SIGNATURE_SIZE, PUBLIC_KEY_SIZE):
            raise MalformedError("a handshake of an unknown identity scheme")
        key_at = _HEAD.size + SIGNATURE_SIZE
        return cls(NodeId(source), data[_HEAD.size : key_at], data[key_at:fixed], data[fixed:])


def decode_source(data: bytes) -> NodeId:
    """Return the sender's id from the authdata of an ordinary packet; raises MalformedError."""
    if len(data) != NODE_ID_SIZE:
        raise MalformedError("an ordinary packet's authdata is not a node id")
    return NodeId(data)
