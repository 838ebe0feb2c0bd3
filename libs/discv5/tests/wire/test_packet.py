"""What is no packet, and signatures that are none."""

import pytest
from libs.discv5.tests.world import PROTOCOL, private_key

from ssv_discv5.errors import MalformedError, OversizeError
from ssv_discv5.identity import verify
from ssv_discv5.wire.packet import MAX_PACKET_SIZE, Flag, Header, mask, room_for_message, unmask

DESTINATION = private_key(2).node_id
HEADER = Header(Flag.ORDINARY, bytes(12), bytes(32)).encode(PROTOCOL)


def test_sizes_at_the_limits() -> None:
    largest = mask(DESTINATION, bytes(16), HEADER, bytes(MAX_PACKET_SIZE - 16 - len(HEADER)))
    assert len(largest) == MAX_PACKET_SIZE
    assert unmask(DESTINATION, largest).header.authdata == bytes(32)
    assert len(unmask(DESTINATION, largest).message) == room_for_message(32) + 16
    with pytest.raises(OversizeError):
        mask(DESTINATION, bytes(16), HEADER, bytes(MAX_PACKET_SIZE - 15 - len(HEADER)))
    with pytest.raises(MalformedError):
        unmask(DESTINATION, largest + b"x")
    short = mask(DESTINATION, bytes(16), Header(Flag.WHOAREYOU, bytes(12), bytes(23)).encode(PROTOCOL))
    assert len(short) == 62
    with pytest.raises(MalformedError):
        unmask(DESTINATION, short)


@pytest.mark.parametrize("change", [{6: 1}, {7: 2}, {8: 3}, {21: 1}, {22: 255}])
def test_another_version_kind_or_authdata_size_is_refused(change: dict[int, int]) -> None:
    header = bytearray(HEADER)
    for at, value in change.items():
        header[at] = value
    with pytest.raises(MalformedError):
        unmask(DESTINATION, mask(DESTINATION, bytes(16), bytes(header), bytes(20)))


def test_what_was_sent_to_another_is_refused() -> None:
    with pytest.raises(MalformedError):
        unmask(private_key(3).node_id, mask(DESTINATION, bytes(16), HEADER, bytes(20)))


@pytest.mark.parametrize("signature", [b"", bytes(63), bytes(64), b"\xff" * 64, bytes(65)])
def test_what_is_no_signature_verifies_nothing(signature: bytes) -> None:
    assert not verify(private_key(1).public_key, bytes(32), signature)
