"""Would the network take these registrations, and would the operators be able to sign? A problem names its field.

What the network itself looks at: committee size, length of the shares, the owner's signature over address and
nonce. What it does not, and what would only show when nothing gets signed: operator keys, share public keys that do
not belong to the validator, the same thing twice.

Not looked at: whether the operators are registered with these keys, and whether each can decrypt its share, which
takes its private key.

Source: ssvlabs/ssv eth/eventhandler; ssv-spec types/crypto.go.
"""

from collections.abc import Iterator, Sequence

from ssv_protocol.crypto import rsa
from ssv_protocol.crypto.share_keys import strangers
from ssv_protocol.crypto.shares import ShareData
from ssv_protocol.errors import ProtocolError
from ssv_protocol.registry.reasons import SkipReason
from ssv_protocol.registry.skip import Skip
from ssv_protocol.registry.state import NONCE_MODULUS
from ssv_protocol.registry.validator_events import check_validator_added
from ssv_protocol.types.ids import BlsPublicKey, ExecutionAddress
from ssvctl.keyshares import ValidatorShares

_FIELDS = {
    SkipReason.COMMITTEE_SIZE: "payload.operatorIds",
    SkipReason.SHARES_LENGTH: "payload.sharesData",
    SkipReason.VALIDATOR_KEY: "payload.publicKey",
    SkipReason.OWNERSHIP_SIGNATURE: "payload.sharesData",
}


def problems(entries: Sequence[ValidatorShares]) -> list[list[str]]:
    """Return for each entry of a file what is wrong with it: nothing, if it can be registered."""
    found = [list(_problems_of(entry)) for entry in entries]
    for place, problem in _repeated(entries):
        found[place].append(problem)
    return found


def _problems_of(entry: ValidatorShares) -> Iterator[str]:
    if list(entry.operator_ids) != sorted(entry.operator_ids):
        yield f"payload.operatorIds: {list(entry.operator_ids)} do not ascend, which the contract refuses"
    if entry.nonce >= NONCE_MODULUS:
        yield f"data.ownerNonce: {entry.nonce} is above {NONCE_MODULUS - 1}, the highest that the network counts"
    yield from _operator_problems(entry)
    try:
        shares = check_validator_added(entry.event(), entry.nonce, entry.operator_keys)
    except Skip as skip:
        yield f"{_FIELDS.get(skip.reason, 'payload')}: {_said(skip, entry)}"
        return
    yield from _share_problems(entry, shares)


def _operator_problems(entry: ValidatorShares) -> Iterator[str]:
    seen: dict[bytes, int] = {}
    for place, (operator_id, pem) in enumerate(entry.operator_keys.items()):
        field = f"data.operators[{place}].operatorKey"
        try:
            normal = rsa.normalize_public_pem(pem)
        except ProtocolError:
            yield f"{field}: operator {operator_id} has no RSA key"
            continue
        if normal in seen:
            yield f"{field}: operator {operator_id} has the key of operator {seen[normal]}"
        seen[normal] = operator_id
        if operator_id == 0:
            yield f"data.operators[{place}].id: 0 is no operator's"


def _share_problems(entry: ValidatorShares, shares: ShareData) -> Iterator[str]:
    if len(set(shares.public_keys)) != len(shares.public_keys):
        yield "payload.sharesData: two operators have the same share"
        return
    if 0 in entry.operator_ids:
        return
    strange = strangers(entry.public_key, dict(zip(entry.operator_ids, shares.public_keys, strict=True)))
    if len(strange) == len(entry.operator_ids):
        yield "payload.sharesData: the share public keys do not combine to the validator's key"
    elif strange:
        listed = ", ".join(str(operator_id) for operator_id in strange)
        yield f"payload.sharesData: the share public key of operator {listed} does not belong to the validator's key"


def _repeated(entries: Sequence[ValidatorShares]) -> Iterator[tuple[int, str]]:
    keys: dict[BlsPublicKey, int] = {}
    nonces: dict[tuple[ExecutionAddress, int], int] = {}
    for place, entry in enumerate(entries):
        if (first := keys.setdefault(entry.public_key, place)) != place:
            yield place, f"payload.publicKey: the validator of shares[{first}] again"
        if (first := nonces.setdefault((entry.owner, entry.nonce), place)) != place:
            yield place, f"data.ownerNonce: {entry.nonce} is that of shares[{first}] of the same owner"


def _said(skip: Skip, entry: ValidatorShares) -> str:
    if skip.reason is SkipReason.OWNERSHIP_SIGNATURE:
        return f"not signed by the validator for this owner and data.ownerNonce {entry.nonce} ({skip.reason})"
    return str(skip)
