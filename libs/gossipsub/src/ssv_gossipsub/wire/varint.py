"""Protobuf's unsigned varints: 7 bits a byte, the lowest first. Source: protobuf encoding, "Base 128 Varints"."""

from ssv_gossipsub.errors import DecodeError

_MAX_BITS = 64


def read(buffer: bytes, position: int) -> tuple[int, int]:
    """Return the number at `position` and where it ends.

    Raises IndexError when the buffer ends first, DecodeError when it does not fit into 64 bits.
    """
    value = shift = 0
    while shift < _MAX_BITS:
        byte = buffer[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value >= 1 << _MAX_BITS:
                break
            return value, position
        shift += 7
    raise DecodeError("a varint of more than 64 bits")


def write(value: int) -> bytes:
    """Return the shortest encoding of a number that is not negative."""
    if value < 0x80:
        return bytes((value,))
    if value < 0x4000:
        return bytes((value & 0x7F | 0x80, value >> 7))
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
