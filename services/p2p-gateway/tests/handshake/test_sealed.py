from __future__ import annotations

from contextlib import suppress
from hashlib import sha256

import coincurve
import pytest
from hypothesis import given
from hypothesis import strategies as st
from libp2p.crypto.secp256k1 import create_new_key_pair
from libp2p.peer.id import ID
from libp2p.peer.pb import crypto_pb2 as crypto
from libp2p.peer.pb import envelope_pb2 as pb

from ssv_p2p_gateway.handshake.errors import HandshakeError, HandshakeReason
from ssv_p2p_gateway.handshake.sealed import open_sealed, seal

PAIR = create_new_key_pair(b"\x01" * 32)
OWN = ID.from_pubkey(PAIR.public_key)
PAYLOAD = b"a payload of more than a few bytes"


def test_who_sealed_is_known_with_the_payload() -> None:
    assert open_sealed(seal(PAIR.private_key, PAYLOAD)) == (OWN, PAYLOAD)


def test_what_is_signed_is_what_the_rfc_says() -> None:
    envelope = pb.Envelope.FromString(seal(PAIR.private_key, PAYLOAD))
    parts = (b"ssv", b"ssv/nodeinfo", PAYLOAD)
    signed = b"".join(bytes([len(part)]) + part for part in parts)
    key = coincurve.PublicKey(envelope.public_key.Data)
    assert key.verify(envelope.signature, sha256(signed).digest(), hasher=None)
    assert len(envelope.public_key.Data) == 33
    assert envelope.public_key.Type == crypto.Secp256k1 == 2


@given(st.integers(min_value=0), st.integers(1, 255))
def test_no_changed_envelope_opens_as_ours(place: int, change: int) -> None:
    sealed = bytearray(seal(PAIR.private_key, PAYLOAD))
    sealed[place % len(sealed)] ^= change
    with suppress(HandshakeError):
        assert open_sealed(bytes(sealed)) == (OWN, PAYLOAD)  # bytes that the format does not tell apart


def test_another_type_of_payload_is_refused_although_well_signed() -> None:
    envelope = pb.Envelope.FromString(seal(PAIR.private_key, PAYLOAD))
    envelope.payload_type = b"libp2p-peer-record"
    with pytest.raises(HandshakeError) as refused:
        open_sealed(envelope.SerializeToString())
    assert refused.value.reason is HandshakeReason.UNREADABLE


@pytest.mark.parametrize("signature", [b"", b"\x30\x00", bytes(64)])
def test_a_bad_signature_is_forged(signature: bytes) -> None:
    envelope = pb.Envelope.FromString(seal(PAIR.private_key, PAYLOAD))
    envelope.signature = signature
    with pytest.raises(HandshakeError) as refused:
        open_sealed(envelope.SerializeToString())
    assert refused.value.reason is HandshakeReason.FORGED


@given(st.binary(max_size=300))
def test_noise_raises_nothing_else(data: bytes) -> None:
    with pytest.raises(HandshakeError):
        open_sealed(data)
