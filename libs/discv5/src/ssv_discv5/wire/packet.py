"""Packets: a masked header and, but for WHOAREYOU, a sealed message.

    packet = masking-iv ‖ AES-CTR(destination id[:16], masking-iv, header) ‖ message
    header = protocol-id ‖ version ‖ flag ‖ nonce ‖ authdata-size ‖ authdata

The protocol id is a parameter: SSV nodes say `ssvdv5`, the rest of Ethereum `discv5`. A `Packet` is unmasked but
unopened: nothing in it is authentic before its message was opened with a session's key.

Source: discv5-wire.md, *Packet Encoding*.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from ssv_discv5.errors import MalformedError, OversizeError
from ssv_discv5.ids import NodeId

MIN_PACKET_SIZE = 63
MAX_PACKET_SIZE = 1280
PROTOCOL_ID_SIZE = 6
NONCE_SIZE = 12
IV_SIZE = 16
TAG_SIZE = 16
VERSION = 1

_STATIC = struct.Struct(f">{PROTOCOL_ID_SIZE}sHB{NONCE_SIZE}sH")
_MASK_KEY_SIZE = 16
_BODY = IV_SIZE + _STATIC.size


class Flag(IntEnum):
    """What kind of packet it is."""

    ORDINARY = 0
    WHOAREYOU = 1
    HANDSHAKE = 2


@dataclass(frozen=True, slots=True)
class Header:
    """A packet's header: `authdata` depends on the flag."""

    flag: Flag
    nonce: bytes
    authdata: bytes

    def encode(self, protocol_id: bytes) -> bytes:
        """Return the header before masking."""
        return _STATIC.pack(protocol_id, VERSION, self.flag, self.nonce, len(self.authdata)) + self.authdata


@dataclass(frozen=True, slots=True)
class Packet:
    """A received packet without its mask; `associated` is masking-iv ‖ header, which the message's seal covers."""

    protocol_id: bytes
    header: Header
    associated: bytes
    message: bytes


def mask(destination: NodeId, iv: bytes, header: bytes, message: bytes = b"") -> bytes:
    """Return the datagram of a header and a sealed message; raises OversizeError above 1280 bytes."""
    datagram = iv + _ctr(destination, iv, header) + message
    if len(datagram) > MAX_PACKET_SIZE:
        raise OversizeError(f"a packet of {len(datagram)} bytes; {MAX_PACKET_SIZE} is the most")
    return datagram


def unmask(own_id: NodeId, datagram: bytes) -> Packet:
    """Return the packet in a datagram sent to us; raises MalformedError, also for what was sent to another id."""
    if not MIN_PACKET_SIZE <= len(datagram) <= MAX_PACKET_SIZE:
        raise MalformedError("a datagram of impossible size")
    iv = datagram[:IV_SIZE]
    # deciphering the whole datagram in one call costs less than two calls that decipher only what is masked
    clear = _ctr(own_id, iv, datagram[IV_SIZE:])
    protocol_id, version, flag, nonce, size = _STATIC.unpack_from(clear)
    if version != VERSION or flag not in Flag.__members__.values():
        raise MalformedError("an unknown version or kind of packet")
    end = _STATIC.size + size
    if end > len(clear):
        raise MalformedError("a packet shorter than its header says")
    header = Header(Flag(flag), nonce, clear[_STATIC.size : end])
    return Packet(protocol_id, header, iv + clear[:end], datagram[IV_SIZE + end :])


def room_for_message(authdata_size: int) -> int:
    """Return how many bytes of plain message fit into one packet."""
    return MAX_PACKET_SIZE - _BODY - authdata_size - TAG_SIZE


def _ctr(destination: NodeId, iv: bytes, data: bytes) -> bytes:
    cipher = Cipher(AES(destination[:_MASK_KEY_SIZE]), CTR(iv)).encryptor()
    return cipher.update(data)
