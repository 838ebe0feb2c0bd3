"""Do share public keys belong to a validator's key? Decided in the exponent, without any secret.

Shares are points of a polynomial of degree 2f whose value at zero is the key. So any 2f + 1 of a committee's share
public keys combine, with Lagrange coefficients, to the validator's public key.

Source: ssv-spec types/crypto.go (threshold reconstruction).
"""

from __future__ import annotations

from collections.abc import Mapping

from ssv_protocol.crypto import bls
from ssv_protocol.errors import ProtocolError
from ssv_protocol.types.committee import quorum
from ssv_protocol.types.ids import BlsPublicKey, OperatorId


def strangers(validator: BlsPublicKey, shares: Mapping[OperatorId, BlsPublicKey]) -> tuple[OperatorId, ...]:
    """Return the operators whose share public key does not belong to the validator's key, ascending.

    The first 2f operators are taken as a base and each other one is checked with it. When the base itself is bad, this
    can't say who it is and names all.
    """
    ascending = sorted(shares)
    base, others = ascending[: quorum(len(shares)) - 1], ascending[quorum(len(shares)) - 1 :]
    bad = [one for one in others if not _combine(validator, shares, (*base, one))]
    return tuple(ascending if len(bad) == len(others) else bad)


def _combine(
    validator: BlsPublicKey, shares: Mapping[OperatorId, BlsPublicKey], operator_ids: tuple[OperatorId, ...]
) -> bool:
    try:
        return bls.reconstruct_public_key({one: shares[one] for one in operator_ids}) == validator
    except ProtocolError:
        return False
