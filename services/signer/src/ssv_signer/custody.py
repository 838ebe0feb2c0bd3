"""Taking shares into custody and letting them go, as the registry says.

Invariants: a share becomes active in the transaction that writes its slashing record, raised to the current epoch and
above every record of earlier shares of the same validator; it signs from the next epoch on. It is let go the other way
round: inactive first, its secret overwritten, its record kept for ever. Both are idempotent.

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
from ssv_protocol.forks import Network
from ssv_protocol.signing import attestation, block
from ssv_protocol.signing.records import AttestationRecord, ProposalRecord
from ssv_protocol.types.committee import committee_id, faulty_nodes
from ssv_protocol.types.ids import BlsPublicKey, DomainType, Epoch, OperatorId, Slot
from ssv_protocol.types.operator import NO_OPERATOR_KEY, OPERATOR_KEY_PEM_BYTES, CommitteeMember, Operator
from ssv_signer.errors import ShareConflict, ShareRefused
from ssv_signer.share_keys import ShareKeys
from ssv_signer.store import committees, shares, watermarks
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


def add(connection: Connection, keys: ShareKeys, network: Network, share: NewShare, clock: Slot) -> Added:
    """Hold a share; raises ShareConflict. `clock` is the signer's slot."""
    changed = _put_committee(connection, share.seat)
    held = shares.by_keys(connection, [share.share_pubkey]).get(share.share_pubkey)
    if held is not None:
        if (held.validator_pubkey, held.committee) != (share.validator_pubkey, share.seat.committee_id):
            raise ShareConflict("the share is held for another validator or committee; remove it there first")
        return Added(False, held.may_sign_from, changed)
    owner = shares.owner(connection, share.share_pubkey)
    if owner not in (None, share.validator_pubkey):
        raise ShareConflict("the share was held for another validator, to which its record belongs")
    if shares.of_validator(connection, share.validator_pubkey) is not None:
        raise ShareConflict("another share of this validator is held; remove it first")
    epoch = network.chain.epoch_of(clock)
    _raise_records(connection, share, epoch, clock)
    may_sign_from = Epoch(epoch + 1)
    sealed = keys.seal(share.validator_pubkey, share.share_pubkey, share.secret)
    row = ShareRow(share.validator_pubkey, share.share_pubkey, share.seat.committee_id, may_sign_from, sealed)
    shares.put_active(connection, row)
    return Added(True, may_sign_from, changed)


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


def _put_committee(connection: Connection, seat: CommitteeMember) -> bool:
    known = committees.member(connection, seat.committee_id, seat.domain)
    if known == seat:
        return False
    if known is not None and known.operator_ids != seat.operator_ids:
        # the id hashes 32 bits of each operator id, so two committees can share one
        raise ShareConflict("a committee of other operators with the same id is known")
    committees.put(connection, seat)
    return known is not None


def _raise_records(connection: Connection, share: NewShare, epoch: Epoch, clock: Slot) -> None:
    key, keys = share.share_pubkey, shares.keys_ever_held(connection, share.validator_pubkey)
    # its own record first: at an equal height its root is the one that may be signed again
    attestations = watermarks.attestations(connection, [key, *keys])
    proposals = watermarks.proposals(connection, [key, *keys])
    attested, proposed = attestations.get(key), proposals.get(key)
    for other in keys:
        attested = _higher_attestation(attested, attestations.get(other))
        proposed = _higher_proposal(proposed, proposals.get(other))
    watermarks.put_attestations(connection, {key: attestation.raised(attested, epoch)})
    watermarks.put_proposals(connection, {key: block.raised(proposed, clock)})


def _higher_attestation(one: AttestationRecord | None, other: AttestationRecord | None) -> AttestationRecord | None:
    if one is None or other is None:
        return one or other
    source, target = max(one.source, other.source), max(one.target, other.target)
    return AttestationRecord(source, target, one.signing_root if target == one.target else None)


def _higher_proposal(one: ProposalRecord | None, other: ProposalRecord | None) -> ProposalRecord | None:
    if one is None or other is None:
        return one or other
    return one if one.slot >= other.slot else ProposalRecord(other.slot)
