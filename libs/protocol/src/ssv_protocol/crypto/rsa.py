"""Operator keys: RSA-2048, RSASSA-PKCS1-v1_5 with SHA-256 over the encoded SSVMessage.

Key shares travel encrypted under the same keys with PKCS#1 v1.5 padding (`shares.py`).
A private key never shows itself in a repr and is never pickled or copied.

Source: ssv-spec types/operator_signer.go, types/encryption.go.
"""

from __future__ import annotations

from base64 import b64encode
from functools import lru_cache
from typing import NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.types.ids import OperatorId, RsaSignature
from ssv_protocol.types.messages import SignedSSVMessage, SSVMessage
from ssv_protocol.types.operator import CommitteeMember

KEY_BITS = 2048
_PUBLIC_EXPONENT = 65537
_PUBLIC_LABEL = b"RSA PUBLIC KEY"


class OperatorPrivateKey:
    """An operator's RSA private key."""

    __slots__ = ("_key",)

    def __init__(self, key: rsa.RSAPrivateKey) -> None:
        self._key = key

    @classmethod
    def generate(cls) -> OperatorPrivateKey:
        """Return a new RSA-2048 key from the system's randomness."""
        return cls(rsa.generate_private_key(_PUBLIC_EXPONENT, KEY_BITS))

    @classmethod
    def from_pem(cls, pem: bytes, password: bytes | None = None) -> OperatorPrivateKey:
        """Read a PKCS#1 or PKCS#8 PEM.

        Raises:
            ProtocolError: KEY_INVALID when the text is no RSA private key or the password does not fit.
        """
        try:
            key = serialization.load_pem_private_key(pem, password)
        except (ValueError, TypeError) as error:
            raise ProtocolError(Reason.KEY_INVALID, f"operator private key: {type(error).__name__}") from None
        return cls._checked(key)

    @classmethod
    def from_der(cls, der: bytes) -> OperatorPrivateKey:
        """Read a PKCS#1 or PKCS#8 DER; raises ProtocolError KEY_INVALID."""
        try:
            key = serialization.load_der_private_key(der, None)
        except (ValueError, TypeError) as error:
            raise ProtocolError(Reason.KEY_INVALID, f"operator private key: {type(error).__name__}") from None
        return cls._checked(key)

    @classmethod
    def _checked(cls, key: object) -> OperatorPrivateKey:
        if not isinstance(key, rsa.RSAPrivateKey):
            raise ProtocolError(Reason.KEY_INVALID, "operator private key is not RSA")
        return cls(key)

    def __repr__(self) -> str:
        return "OperatorPrivateKey(***)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an operator key is neither pickled nor copied")

    def to_pem(self) -> bytes:
        """Return the PKCS#1 PEM; the caller keeps it secret."""
        return self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )

    def public_pem(self) -> bytes:
        """Return the public key as the network writes it: PKIX labelled "RSA PUBLIC KEY", 459 bytes."""
        return _network_pem(self._key.public_key())

    def sign(self, message: SSVMessage) -> RsaSignature:
        """Return the 256-byte signature over the message's SSZ encoding. Deterministic."""
        return self.sign_encoded(message.encode())

    def sign_encoded(self, message: bytes) -> RsaSignature:
        """Return what `sign` returns for the SSVMessage that `message` encodes."""
        return RsaSignature(self._key.sign(message, padding.PKCS1v15(), SHA256()))

    def decrypt(self, ciphertext: bytes) -> bytes:
        """Undo PKCS#1 v1.5 encryption.

        OpenSSL may answer wrong padding with random bytes, so the caller must check what comes back.

        Raises:
            ProtocolError: SHARE_DECRYPTION.
        """
        try:
            return self._key.decrypt(ciphertext, padding.PKCS1v15())
        except ValueError:
            raise ProtocolError(Reason.SHARE_DECRYPTION, "not encrypted for this operator key") from None


def encrypt(public_pem: bytes, plaintext: bytes) -> bytes:
    """Encrypt for an operator with PKCS#1 v1.5; raises ProtocolError KEY_INVALID."""
    return _public_key(public_pem).encrypt(plaintext, padding.PKCS1v15())


def verify(public_pem: bytes, encoded_message: bytes, signature: bytes) -> bool:
    """Tell whether `signature` is the key's over an encoded SSVMessage; raises ProtocolError KEY_INVALID."""
    try:
        _public_key(public_pem).verify(signature, encoded_message, padding.PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def verify_envelope(member: CommitteeMember, signed: SignedSSVMessage) -> bool:
    """Tell whether every signature of the envelope is by the committee member it names."""
    encoded = signed.ssv_message.encode()
    return len(signed.signatures) == len(signed.operator_ids) and all(
        _verify_member(member, operator_id, encoded, signature)
        for operator_id, signature in zip(signed.operator_ids, signed.signatures, strict=True)
    )


def check_public_pem(pem: bytes) -> None:
    """Raise ProtocolError KEY_INVALID unless `pem` is an RSA public key."""
    _public_key(pem)


def normalize_public_pem(pem: bytes) -> bytes:
    """Return the same public key as the network writes it; raises ProtocolError KEY_INVALID."""
    return _network_pem(_public_key(pem))


def encode_for_contract(public_pem: bytes) -> bytes:
    """Return the ASCII base64 of the PEM, as OperatorAdded carries it (before ABI encoding)."""
    return b64encode(public_pem)


def _verify_member(member: CommitteeMember, operator_id: OperatorId, encoded: bytes, signature: RsaSignature) -> bool:
    public_pem = member.public_key_of(operator_id)
    return public_pem is not None and verify(public_pem, encoded, signature)


@lru_cache(maxsize=4096)
def _public_key(pem: bytes) -> rsa.RSAPublicKey:
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, TypeError) as error:
        raise ProtocolError(Reason.KEY_INVALID, f"operator public key: {type(error).__name__}") from None
    if not isinstance(key, rsa.RSAPublicKey):
        raise ProtocolError(Reason.KEY_INVALID, "operator public key is not RSA")
    return key


def _network_pem(key: rsa.RSAPublicKey) -> bytes:
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return pem.replace(b"PUBLIC KEY", _PUBLIC_LABEL)
