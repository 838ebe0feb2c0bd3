"""ValidatorAdded, ValidatorRemoved and ValidatorExited.

A ValidatorAdded consumes the owner's nonce whether it is accepted or not, because the owner could not know
that it would be refused when it signed the next one.

Whether this operator can decrypt its own share plays no role here: operators would otherwise disagree on which
validators exist.

Source: ssvlabs/ssv eth/eventhandler; ssv-spec types/crypto.go.
"""

from collections.abc import Callable, Container
from dataclasses import replace

from ssv_protocol.crypto import bls
from ssv_protocol.crypto.shares import ShareData, ownership_root
from ssv_protocol.errors import ProtocolError
from ssv_protocol.registry import changes, events
from ssv_protocol.registry.draft import Draft
from ssv_protocol.registry.reasons import SkipReason
from ssv_protocol.registry.skip import Skip
from ssv_protocol.registry.state import NONCE_MODULUS, ChainMoment, Recipient, ValidatorRecord, cluster_id
from ssv_protocol.types.committee import COMMITTEE_SIZES
from ssv_protocol.types.ids import BlsPublicKey, BlsSignature, ExecutionAddress, OperatorId, Root

Verify = Callable[[BlsPublicKey, Root, BlsSignature], bool]
"""Tells whether a signature is a key's over a root."""


def validator_added(draft: Draft, event: events.ValidatorAdded, verify: Verify = bls.verify) -> changes.ValidatorAdded:
    """Add a validator and consume the owner's nonce in any case; raises Skip."""
    nonce = _consume_nonce(draft, event.owner)
    shares = check_validator_added(event, nonce, draft.operators, verify)
    known = draft.validators.get(event.public_key)
    if known is not None:
        same_owner = known.owner == event.owner
        raise Skip(SkipReason.VALIDATOR_EXISTS if same_owner else SkipReason.VALIDATOR_OWNER, _name(event))
    record = ValidatorRecord(
        event.public_key,
        event.owner,
        event.operator_ids,
        shares.public_keys,
        shares.encrypted_keys,
        cluster_id(event.owner, event.operator_ids),
    )
    draft.put_validator(record)
    return changes.ValidatorAdded(record)


def validator_removed(draft: Draft, event: events.ValidatorRemoved) -> changes.ValidatorRemoved:
    """Forget a validator; raises Skip when it is unknown or another owner's."""
    record = _owned(draft, event.public_key, event.owner)
    draft.drop_validator(event.public_key)
    return changes.ValidatorRemoved(record)


def validator_exited(draft: Draft, event: events.ValidatorExited, moment: ChainMoment) -> changes.ValidatorExited:
    """Remember the wish to exit, the last one; raises Skip when the validator is unknown or another owner's."""
    record = replace(_owned(draft, event.public_key, event.owner), exit_request=moment)
    draft.put_validator(record)
    return changes.ValidatorExited(record)


def check_validator_added(
    event: events.ValidatorAdded, nonce: int, known_operators: Container[OperatorId], verify: Verify = bls.verify
) -> ShareData:
    """Return the parts of the event's shares if the event holds by itself; raises Skip.

    Share public keys are not looked at, as nowhere in the network: with a bad one its operator's partial
    signatures never verify. `verify` may know the answer already (`ownership.py`).
    """
    ids = event.operator_ids
    if len(ids) not in COMMITTEE_SIZES:
        raise Skip(SkipReason.COMMITTEE_SIZE, f"{len(ids)} operators")
    if len(set(ids)) != len(ids):
        raise Skip(SkipReason.COMMITTEE_DUPLICATE, f"operators {list(ids)}")
    unknown = [operator_id for operator_id in ids if operator_id not in known_operators]
    if unknown:
        raise Skip(SkipReason.COMMITTEE_OPERATOR_UNKNOWN, f"operators {unknown}")
    try:
        shares = ShareData.decode(event.shares, len(ids))
    except ProtocolError as error:
        raise Skip(SkipReason.SHARES_LENGTH, error.detail) from None
    if not bls.is_public_key(event.public_key):
        raise Skip(SkipReason.VALIDATOR_KEY, _name(event))
    if not verify(event.public_key, ownership_root(event.owner, nonce), shares.ownership_signature):
        raise Skip(SkipReason.OWNERSHIP_SIGNATURE, f"{_name(event)}, nonce {nonce}")
    return shares


def _consume_nonce(draft: Draft, owner: ExecutionAddress) -> int:
    recipient = draft.recipients.get(owner) or Recipient(owner)
    used = recipient.next_nonce
    draft.recipients.put(owner, replace(recipient, next_nonce=(used + 1) % NONCE_MODULUS))
    return used


def _owned(draft: Draft, public_key: BlsPublicKey, owner: ExecutionAddress) -> ValidatorRecord:
    record = draft.validators.get(public_key)
    if record is None:
        raise Skip(SkipReason.VALIDATOR_UNKNOWN, f"validator 0x{public_key.hex()}")
    if record.owner != owner:
        raise Skip(SkipReason.VALIDATOR_OWNER, f"validator 0x{public_key.hex()}")
    return record


def _name(event: events.ValidatorAdded) -> str:
    return f"validator 0x{event.public_key.hex()}"
