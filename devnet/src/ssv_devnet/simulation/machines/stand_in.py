"""Signatures that cost microseconds, in the place of RSA and BLS, at the four functions where the protocol uses them.

What stands in for RSA is a MAC under the operator's secret; a notary who knows all secrets verifies it. What stands in
for BLS is the same scheme in the scalar field instead of the curve: a key s signs a root m as s · H(m). Splitting keys,
interpolation and its coefficients are the real code. Everything else, encodings included, is the real code too.

Invariant: who has no key cannot sign, as long as nobody divides a signature by H(m) or asks the notary for its secrets;
simulated operators, Byzantine ones too, do neither.
Not modelled: malformed curve points other than bytes that are no scalar, and what cryptography costs.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from unittest.mock import patch

from ssv_protocol.crypto import bls, rsa
from ssv_protocol.crypto.bls import CURVE_ORDER, RandomBytes, SecretKey, lagrange_coefficients
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.types.ids import BlsPublicKey, BlsSignature, OperatorId, Root, RsaSignature
from ssv_protocol.types.messages import RSA_SIGNATURE_BYTES, SSVMessage
from ssv_protocol.types.operator import OPERATOR_KEY_PEM_BYTES

_PUBLIC_KEY_BYTES = 48
_SIGNATURE_BYTES = 96


def ignore(root: Root) -> None:
    """Note nothing."""


class StandInOperatorKey(OperatorPrivateKey):
    """An operator's key; `name` makes it."""

    __slots__ = ("_secret",)

    def __init__(self, name: str) -> None:
        self._secret = sha256(name.encode()).digest()

    def public_pem(self) -> bytes:
        """Return what names the key, as long as a PEM."""
        return sha256(self._secret).hexdigest().encode().ljust(OPERATOR_KEY_PEM_BYTES, b"-")

    def sign(self, message: SSVMessage) -> RsaSignature:
        """Return the MAC of a message."""
        return self.mac(message.encode())

    def mac(self, encoded: bytes) -> RsaSignature:
        """Return the MAC of an encoded message."""
        return RsaSignature(hmac.digest(self._secret, encoded, "sha256").ljust(RSA_SIGNATURE_BYTES, b"\0"))


class StandInShareKey(SecretKey):
    """A validator's key or a share of it; tells `note` what it signs."""

    __slots__ = ("_note", "_scalar")

    def __init__(self, scalar: int, note: Callable[[Root], None] = ignore) -> None:
        self._scalar = scalar
        self._note = note

    def to_bytes(self) -> bytes:
        """Return the scalar."""
        return self._scalar.to_bytes(32, "big")

    def public_key(self) -> BlsPublicKey:
        """Return what names the key, as long as a public key."""
        return BlsPublicKey(sha256(self.to_bytes()).digest().ljust(_PUBLIC_KEY_BYTES, b"-"))

    def sign(self, root: Root) -> BlsSignature:
        """Note, then sign."""
        self._note(root)
        return self.product(root)

    def product(self, root: Root) -> BlsSignature:
        """Return the signature over a root."""
        return _encode(self._scalar * int.from_bytes(sha256(root).digest(), "big"))


class Notary:
    """Knows every key, and so can tell whose a signature is."""

    def __init__(self) -> None:
        self._operators: dict[bytes, StandInOperatorKey] = {}
        self._shares: dict[bytes, StandInShareKey] = {}

    def register_operator(self, key: StandInOperatorKey) -> None:
        """Learn an operator's key."""
        self._operators[key.public_pem()] = key

    def register_share(self, key: StandInShareKey) -> None:
        """Learn a validator's key or a share of it."""
        self._shares[key.public_key()] = key

    def verify_rsa(self, public_pem: bytes, encoded_message: bytes, signature: bytes) -> bool:
        """Stand in for `rsa.verify`."""
        return self._operators[public_pem].mac(encoded_message) == signature

    def verify_bls(self, pubkey: BlsPublicKey, root: Root, signature: BlsSignature) -> bool:
        """Stand in for `bls.verify`."""
        key = self._shares.get(pubkey)
        return key is not None and key.product(root) == signature

    def verify_batch(
        self, signed: Sequence[tuple[BlsPublicKey, BlsSignature]], root: Root, random_bytes: RandomBytes
    ) -> bool:
        """Stand in for `bls.verify_batch`."""
        return all(self.verify_bls(pubkey, root, signature) for pubkey, signature in signed)

    @contextmanager
    def instead_of_cryptography(self) -> Iterator[None]:
        """Let this notary verify and interpolate for everybody inside the block."""
        with (
            patch.object(rsa, "verify", self.verify_rsa),
            patch.multiple(bls, verify=self.verify_bls, verify_batch=self.verify_batch, reconstruct=reconstruct),
        ):
            yield


def reconstruct(partials: Mapping[OperatorId, BlsSignature]) -> BlsSignature:
    """Stand in for `bls.reconstruct`: the same interpolation at zero.

    Raises:
        ProtocolError: RECONSTRUCT_SIGNATURE when nothing was given or bytes are no scalar.
    """
    operator_ids = tuple(sorted(partials))
    scalars = [int.from_bytes(partials[operator_id], "big") for operator_id in operator_ids]
    if not scalars or not all(0 < scalar < CURVE_ORDER for scalar in scalars):
        raise ProtocolError(Reason.RECONSTRUCT_SIGNATURE, "malformed partial signature")
    coefficients = lagrange_coefficients(operator_ids)
    return _encode(sum(a * b for a, b in zip(coefficients, scalars, strict=True)))


def _encode(number: int) -> BlsSignature:
    return BlsSignature((number % CURVE_ORDER).to_bytes(_SIGNATURE_BYTES, "big"))
