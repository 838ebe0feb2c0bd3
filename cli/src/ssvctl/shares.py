"""Splitting validator keys for registration.

Nonces ascend with the validators' order: they must be registered in this order, and no other validator of the
owner in between.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence

from ssv_protocol.crypto.bls import RandomBytes, SecretKey
from ssv_protocol.crypto.shares import build_share_data
from ssv_protocol.errors import ProtocolError
from ssv_protocol.registry.state import NONCE_MODULUS
from ssv_protocol.types.committee import COMMITTEE_SIZES
from ssv_protocol.types.ids import ExecutionAddress, OperatorId
from ssvctl.errors import SsvctlError
from ssvctl.keyshares import ValidatorShares


def check_committee(operators: Mapping[OperatorId, bytes]) -> None:
    """Raise SsvctlError unless as many operators are given as a committee has."""
    if len(operators) not in COMMITTEE_SIZES:
        sizes = ", ".join(str(size) for size in COMMITTEE_SIZES[:-1])
        raise SsvctlError(f"{len(operators)} operators make no committee; give {sizes} or {COMMITTEE_SIZES[-1]}")


def check_nonces(first_nonce: int, count: int) -> None:
    """Raise SsvctlError unless all nonces are ones that the network counts."""
    if first_nonce < 0 or first_nonce + count > NONCE_MODULUS:
        raise SsvctlError(f"nonce {first_nonce} for {count} validators: nonces go from 0 to {NONCE_MODULUS - 1}")


def build_keyshares(
    validators: Sequence[SecretKey],
    operators: Mapping[OperatorId, bytes],
    owner: ExecutionAddress,
    first_nonce: int,
    *,
    random_bytes: RandomBytes = secrets.token_bytes,
    progress: Callable[[], None] = lambda: None,
) -> list[ValidatorShares]:
    """Split each validator's key among operators (id to public PEM), with ascending nonces.

    Raises:
        SsvctlError: no committee, a nonce out of range, an operator's key that is none.
    """
    check_committee(operators)
    check_nonces(first_nonce, len(validators))
    ordered = {operator_id: operators[operator_id] for operator_id in sorted(operators)}
    result = []
    for nonce, secret in enumerate(validators, first_nonce):
        try:
            data = build_share_data(secret, ordered, owner, nonce, random_bytes)
        except ProtocolError as error:
            raise SsvctlError(f"shares can't be made: {error.detail}; check the operators") from None
        result.append(ValidatorShares(owner, nonce, secret.public_key(), ordered, data.encode()))
        progress()
    return result
