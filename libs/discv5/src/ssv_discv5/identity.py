"""The identity scheme "v4": secp256k1 keys, node ids, signatures, key agreement.

A secret key never shows in a repr. Signatures are deterministic (RFC 6979) with a low s; a high s is refused, so
a signature has one form.

Source: EIP-778, *"v4" Identity Scheme*; discv5-theory.md, *Identity-Specific Cryptography in the Handshake*.
"""

from collections.abc import Callable

from coincurve import PrivateKey as _Secret
from coincurve import PublicKey as _Point
from coincurve.ecdsa import cdata_to_der, deserialize_compact
from eth_hash.auto import keccak

from ssv_discv5.errors import MalformedError
from ssv_discv5.ids import NodeId

PUBLIC_KEY_SIZE = 33
SIGNATURE_SIZE = 64
SECRET_SIZE = 32


class PrivateKey:
    """A secp256k1 secret: the network key of a node, or the ephemeral key of one handshake."""

    __slots__ = ("_secret", "node_id", "public_key")

    def __init__(self, secret: bytes) -> None:
        try:
            self._secret = _Secret(secret)
        except ValueError:
            raise MalformedError("not a secp256k1 secret key") from None
        self.public_key: bytes = self._secret.public_key.format()
        """Compressed, 33 bytes."""
        self.node_id: NodeId = node_id_of(self.public_key)

    @classmethod
    def generate(cls, random_bytes: Callable[[int], bytes]) -> "PrivateKey":
        """Return a fresh key from a source of randomness."""
        while True:
            try:
                return cls(random_bytes(SECRET_SIZE))
            except MalformedError:  # once in 2^128: beyond the group's order
                continue

    def sign(self, digest: bytes) -> bytes:
        """Return r ‖ s (64 bytes) over a digest of 32 bytes."""
        return self._secret.sign_recoverable(digest, hasher=None)[:SIGNATURE_SIZE]

    def agree(self, public_key: bytes) -> bytes:
        """Return the compressed product of a public key and this one (33 bytes); raises MalformedError for no point."""
        return _point(public_key).multiply(self._secret.secret).format()

    def __repr__(self) -> str:
        return f"PrivateKey(node_id={self.node_id.hex()})"


def node_id_of(public_key: bytes) -> NodeId:
    """Return the node id of a public key; raises MalformedError when it is not a compressed point."""
    return NodeId(keccak(_point(public_key).format(compressed=False)[1:]))


def verify(public_key: bytes, digest: bytes, signature: bytes) -> bool:
    """Tell whether r ‖ s over a digest of 32 bytes is of this key; raises MalformedError when the key is no point."""
    point = _point(public_key)
    if len(signature) != SIGNATURE_SIZE:
        return False
    try:
        return point.verify(cdata_to_der(deserialize_compact(signature)), digest, hasher=None)
    except ValueError:
        return False


def _point(public_key: bytes) -> _Point:
    if len(public_key) != PUBLIC_KEY_SIZE:
        raise MalformedError("not a compressed public key")
    try:
        return _Point(public_key)
    except ValueError:
        raise MalformedError("not a point of secp256k1") from None
