"""Splitting a validator key among operators, and the share bytes of a ValidatorAdded event.

    shares = signature (96) ‖ share public key (48) · n ‖ encrypted share key (256) · n

in the order of the event's operator ids. The signature is the validator key's over
keccak256("<owner, EIP-55>:<nonce>"). A share key is encrypted as ASCII hex with RSA PKCS#1 v1.5. The index of
a share is the operator's id.

Source: ssv-spec types/crypto.go; ssvlabs/ssv eth/eventhandler.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from eth_hash.auto import keccak
from eth_utils.address import to_checksum_address

from ssv_protocol.crypto import bls, rsa
from ssv_protocol.crypto.bls import CURVE_ORDER, RandomBytes, SecretKey
from ssv_protocol.crypto.wiping import wiped
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.types.committee import COMMITTEE_SIZES, quorum
from ssv_protocol.types.ids import BlsPublicKey, BlsSignature, ExecutionAddress, OperatorId, Root

_SIGNATURE_BYTES = 96
_PUBLIC_KEY_BYTES = 48
_ENCRYPTED_KEY_BYTES = 256


@dataclass(frozen=True, slots=True)
class ShareData:
    """The parts of the share bytes, each tuple in the order of the event's operator ids."""

    ownership_signature: BlsSignature
    public_keys: tuple[BlsPublicKey, ...]
    encrypted_keys: tuple[bytes, ...]

    def encode(self) -> bytes:
        """Return the bytes as they stand in the event."""
        return self.ownership_signature + b"".join(self.public_keys) + b"".join(self.encrypted_keys)

    @classmethod
    def decode(cls, data: bytes, operators: int) -> ShareData:
        """Cut the bytes of an event for `operators` operators.

        Raises:
            ProtocolError: SHARE_INVALID when the length is not 96 + 304 · operators.
        """
        keys_at = _SIGNATURE_BYTES + operators * _PUBLIC_KEY_BYTES
        expected = keys_at + operators * _ENCRYPTED_KEY_BYTES
        if len(data) != expected:
            raise ProtocolError(Reason.SHARE_INVALID, f"{len(data)} share bytes, expected {expected}")
        return cls(
            BlsSignature(data[:_SIGNATURE_BYTES]),
            tuple(BlsPublicKey(part) for part in _cut(data[_SIGNATURE_BYTES:keys_at], _PUBLIC_KEY_BYTES)),
            _cut(data[keys_at:], _ENCRYPTED_KEY_BYTES),
        )


def split_key(
    secret: SecretKey, operator_ids: Sequence[OperatorId], random_bytes: RandomBytes
) -> dict[OperatorId, SecretKey]:
    """Split a validator key so that 2f + 1 of the operators can sign for it.

    Raises:
        ProtocolError: SHARE_INVALID when the operators do not make a committee.
    """
    if len(operator_ids) not in COMMITTEE_SIZES or len(set(operator_ids)) != len(operator_ids):
        raise ProtocolError(Reason.SHARE_INVALID, f"no committee of operators {list(operator_ids)}")
    if any(operator_id % CURVE_ORDER == 0 for operator_id in operator_ids):
        raise ProtocolError(Reason.SHARE_INVALID, "operator id 0 would hold the validator key itself")
    constant = int.from_bytes(secret.to_bytes(), "big")
    degree = quorum(len(operator_ids)) - 1
    polynomial = [constant, *(bls.random_scalar(random_bytes) for _ in range(degree))]
    return {operator_id: SecretKey(_evaluate(polynomial, operator_id)) for operator_id in operator_ids}


def build_share_data(
    secret: SecretKey,
    operator_keys: Mapping[OperatorId, bytes],
    owner: ExecutionAddress,
    nonce: int,
    random_bytes: RandomBytes,
) -> ShareData:
    """Split `secret` and make the share bytes for operators (id to public PEM), by ascending id.

    Raises:
        ProtocolError: SHARE_INVALID, KEY_INVALID.
    """
    operator_ids = sorted(operator_keys)
    shares = split_key(secret, operator_ids, random_bytes)
    return ShareData(
        secret.sign(ownership_root(owner, nonce)),
        tuple(shares[operator_id].public_key() for operator_id in operator_ids),
        tuple(encrypt_share(operator_keys[operator_id], shares[operator_id]) for operator_id in operator_ids),
    )


def ownership_root(owner: ExecutionAddress, nonce: int) -> Root:
    """Return the 32 bytes that the validator key signs to bind the shares to an owner and a nonce."""
    return Root(keccak(f"{to_checksum_address(owner)}:{nonce}".encode("ascii")))


def encrypt_share(operator_public_pem: bytes, share: SecretKey) -> bytes:
    """Encrypt a share for its operator, as ASCII hex; raises ProtocolError KEY_INVALID."""
    return rsa.encrypt(operator_public_pem, b"0x" + share.to_bytes().hex().encode("ascii"))


def decrypt_share(operator_key: rsa.OperatorPrivateKey, encrypted: bytes, public_key: BlsPublicKey) -> SecretKey:
    """Decrypt this operator's share and check it against its public key.

    Raises:
        ProtocolError: SHARE_DECRYPTION, without any part of the plaintext.
    """
    plaintext = operator_key.decrypt(encrypted)
    try:
        with wiped(bytearray.fromhex(plaintext.decode("ascii").removeprefix("0x"))) as secret:
            share = SecretKey.from_bytes(secret)
    except (ValueError, ProtocolError):
        raise ProtocolError(Reason.SHARE_DECRYPTION, "decrypted bytes are no key share") from None
    if share.public_key() != public_key:
        raise ProtocolError(Reason.SHARE_DECRYPTION, "share key does not fit its public key")
    return share


def _evaluate(polynomial: Sequence[int], x: int) -> int:
    value = 0
    for coefficient in reversed(polynomial):
        value = (value * x + coefficient) % CURVE_ORDER
    return value


def _cut(data: bytes, size: int) -> tuple[bytes, ...]:
    return cast(tuple[bytes, ...], tuple(data[i : i + size] for i in range(0, len(data), size)))
