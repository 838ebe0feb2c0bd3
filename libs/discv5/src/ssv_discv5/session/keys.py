"""Session keys and the identity proof of a handshake: pure functions of what both sides know.

Source: discv5-theory.md, *Handshake Steps*; RFC 5869.
"""

from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ssv_discv5.identity import PrivateKey, verify
from ssv_discv5.ids import NodeId

KEY_SIZE = 16
_AGREEMENT = b"discovery v5 key agreement"
_PROOF = b"discovery v5 identity proof"


@dataclass(frozen=True, slots=True)
class SessionKeys:
    """One AES-128 key for each direction, named after who began the handshake by sending its packet."""

    initiator: bytes = field(repr=False)
    recipient: bytes = field(repr=False)


def derive_keys(
    own: PrivateKey, remote_public_key: bytes, initiator: NodeId, recipient: NodeId, challenge_data: bytes
) -> SessionKeys:
    """Return the keys of a session.

    The initiator gives its ephemeral key and the recipient's static public key, the recipient its static key and
    the ephemeral public key. `challenge_data` is masking-iv ‖ header of the WHOAREYOU. Raises MalformedError when
    the remote key is no point.
    """
    info = _AGREEMENT + initiator + recipient
    kdf = HKDF(algorithm=SHA256(), length=2 * KEY_SIZE, salt=challenge_data, info=info)
    data = kdf.derive(own.agree(remote_public_key))
    return SessionKeys(data[:KEY_SIZE], data[KEY_SIZE:])


def id_digest(challenge_data: bytes, ephemeral_key: bytes, recipient: NodeId) -> bytes:
    """Return what the initiator signs to prove its identity."""
    return sha256(_PROOF + challenge_data + ephemeral_key + recipient).digest()


def sign_id(own: PrivateKey, challenge_data: bytes, ephemeral_key: bytes, recipient: NodeId) -> bytes:
    """Return the id-signature of the initiator, 64 bytes."""
    return own.sign(id_digest(challenge_data, ephemeral_key, recipient))


def verify_id(
    public_key: bytes, signature: bytes, challenge_data: bytes, ephemeral_key: bytes, recipient: NodeId
) -> bool:
    """Tell whether the id-signature is of the holder of `public_key`."""
    return verify(public_key, id_digest(challenge_data, ephemeral_key, recipient), signature)
