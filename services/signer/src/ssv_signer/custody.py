"""Shares as the registry hands them over and takes them back: checked in themselves, and let go.

`taking` holds them. A share is let go the other way round: inactive first, its secret overwritten, its record kept for
ever, which is idempotent.

Not guaranteed: that the registry's events are genuine; whoever may call `AddShare` (the certificate says who) is
believed about committees and their keys, and about nothing else.

Source: architecture §5.4, §5.6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ssv_protocol.crypto import rsa
from ssv_protocol.crypto.bls import SecretKey
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.crypto.shares import decrypt_share
from ssv_protocol.errors import ProtocolError
from ssv_protocol.types.committee import committee_id, faulty_nodes
from ssv_protocol.types.ids import BlsPublicKey, DomainType, Epoch, OperatorId
from ssv_protocol.types.operator import NO_OPERATOR_KEY, OPERATOR_KEY_PEM_BYTES, CommitteeMember, Operator
from ssv_signer.errors import ShareRefused
from ssv_signer.store import shares
from ssv_signer.store.database import MAX_INTEGER, Connection
from ssv_signer.store.shares import ShareRow

_PUBLIC_KEY_BYTES = 48


@dataclass(frozen=True, slots=True)
class NewShare:
    """A share to hold, checked in itself."""

    validator_pubkey: BlsPublicKey
    share_pubkey: BlsPublicKey
    seat: CommitteeMember
    secret: SecretKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class Added:
    """`added` is False when the share was held already; `keys_changed` tells of a known committee's new keys."""

    added: bool
    may_sign_from: Epoch
    keys_changed: bool = False


def check_share(
    operator_key: OperatorPrivateKey,
    domain: DomainType,
    *,
    validator_pubkey: bytes,
    share_pubkey: bytes,
    encrypted_share: bytes,
    operator_id: int,
    operators: Sequence[tuple[int, bytes]],
) -> NewShare:
    """Decrypt a share and check everything that needs no database. Slow (RSA); raises ShareRefused."""
    if len(validator_pubkey) != _PUBLIC_KEY_BYTES or len(share_pubkey) != _PUBLIC_KEY_BYTES:
        raise ShareRefused(f"public keys have {_PUBLIC_KEY_BYTES} bytes")
    seat = _seat(operator_key, domain, operator_id, operators)
    try:
        secret = decrypt_share(operator_key, encrypted_share, BlsPublicKey(share_pubkey))
    except ProtocolError as error:
        raise ShareRefused(f"the share 0x{share_pubkey.hex()} can't be used: {error.detail}") from None
    return NewShare(BlsPublicKey(validator_pubkey), BlsPublicKey(share_pubkey), seat, secret)


def remove(connection: Connection, validator_pubkey: BlsPublicKey) -> ShareRow | None:
    """Let go of a validator's share; returns what was held, of which the caller drops the opened secret."""
    held = shares.of_validator(connection, validator_pubkey)
    if held is not None:
        shares.deactivate(connection, validator_pubkey)
    return held


def _seat(
    operator_key: OperatorPrivateKey, domain: DomainType, operator_id: int, operators: Sequence[tuple[int, bytes]]
) -> CommitteeMember:
    if any(not 0 < number <= MAX_INTEGER for number, _ in operators):
        raise ShareRefused("an operator id is out of range")
    members = tuple(Operator(OperatorId(number), _public_key(number, pem)) for number, pem in sorted(operators))
    identifier = committee_id(member.operator_id for member in members)
    own_key = operator_key.public_pem()
    seat = CommitteeMember(OperatorId(operator_id), identifier, own_key, faulty_nodes(len(members)), members, domain)
    try:
        seat.validate({domain})
    except ProtocolError as error:
        raise ShareRefused(f"the committee can't be used: {error.detail}") from None
    if seat.public_key_of(seat.operator_id) != own_key:
        raise ShareRefused(f"operator {operator_id} is registered with another key than this signer's")
    return seat


def _public_key(operator_id: int, pem: bytes) -> bytes:
    # an operator that left, or registered with nonsense, has a seat and no key
    if pem in (b"", NO_OPERATOR_KEY):
        return NO_OPERATOR_KEY
    try:
        normal = rsa.normalize_public_pem(pem)
    except ProtocolError:
        normal = b""
    if len(normal) != OPERATOR_KEY_PEM_BYTES:
        raise ShareRefused(f"the key of operator {operator_id} is no RSA-{rsa.KEY_BITS} public key")
    return normal
