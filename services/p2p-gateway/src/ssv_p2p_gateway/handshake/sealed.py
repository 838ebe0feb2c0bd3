"""Sealed envelopes: bytes with the key and signature of the peer whose they are.

What is signed is domain, payload type and payload, each behind its length as an unsigned varint.

Source: libp2p RFC 0002 (signed envelopes); ssvlabs/ssv network/records (domain and type).
"""

from __future__ import annotations

from google.protobuf.message import DecodeError
from libp2p.crypto.keys import PrivateKey
from libp2p.crypto.secp256k1 import Secp256k1PublicKey
from libp2p.peer.id import ID
from libp2p.peer.pb import crypto_pb2 as crypto
from libp2p.peer.pb import envelope_pb2 as pb
from libp2p.utils.varint import encode_uvarint

from ssv_p2p_gateway.handshake.errors import HandshakeError, HandshakeReason

DOMAIN = b"ssv"
PAYLOAD_TYPE = b"ssv/nodeinfo"


def seal(key: PrivateKey, payload: bytes) -> bytes:
    """Return the envelope of a payload."""
    public = key.get_public_key()
    envelope = pb.Envelope(payload_type=PAYLOAD_TYPE, payload=payload, signature=key.sign(_signed(payload)))
    envelope.public_key.Type = crypto.Secp256k1
    envelope.public_key.Data = public.to_bytes()
    return envelope.SerializeToString()


def open_sealed(data: bytes) -> tuple[ID, bytes]:
    """Return who sealed an envelope, and its payload.

    Raises:
        HandshakeError: UNREADABLE, FORGED.
    """
    try:
        envelope = pb.Envelope.FromString(data)
        if envelope.payload_type != PAYLOAD_TYPE or envelope.public_key.Type != crypto.Secp256k1:
            raise HandshakeError(HandshakeReason.UNREADABLE, "another type of payload or key")
        key = Secp256k1PublicKey.from_bytes(envelope.public_key.Data)
    except (DecodeError, ValueError):
        raise HandshakeError(HandshakeReason.UNREADABLE, "no envelope") from None
    try:
        good = key.verify(_signed(envelope.payload), envelope.signature)
    except ValueError:  # no signature at all
        good = False
    if not good:
        raise HandshakeError(HandshakeReason.FORGED, "the signature is not the key's")
    return ID.from_pubkey(key), envelope.payload


def _signed(payload: bytes) -> bytes:
    return b"".join(encode_uvarint(len(part)) + part for part in (DOMAIN, PAYLOAD_TYPE, payload))
