from __future__ import annotations

import secrets

import pytest

from ssv_protocol.crypto import bls
from ssv_protocol.crypto.bls import SecretKey
from ssv_protocol.crypto.share_keys import strangers
from ssv_protocol.crypto.shares import split_key
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.types.committee import COMMITTEE_SIZES, quorum
from ssv_protocol.types.ids import BlsPublicKey, OperatorId

VALIDATOR = SecretKey.generate(secrets.token_bytes)
STRANGER = SecretKey.generate(secrets.token_bytes).public_key()


def share_keys(size: int) -> dict[OperatorId, BlsPublicKey]:
    operator_ids = [OperatorId(3 * number + 1) for number in range(size)]
    shares = split_key(VALIDATOR, operator_ids, secrets.token_bytes)
    return {operator_id: share.public_key() for operator_id, share in shares.items()}


@pytest.mark.parametrize("size", COMMITTEE_SIZES)
def test_all_belong(size: int) -> None:
    shares = share_keys(size)
    assert strangers(VALIDATOR.public_key(), shares) == ()
    some = dict(list(shares.items())[-quorum(size) :])
    assert bls.reconstruct_public_key(some) == VALIDATOR.public_key()
    less = dict(list(shares.items())[: quorum(size) - 1])
    assert bls.reconstruct_public_key(less) != VALIDATOR.public_key()


@pytest.mark.parametrize("size", COMMITTEE_SIZES)
def test_the_last_is_named(size: int) -> None:
    shares = share_keys(size)
    last = max(shares)
    assert strangers(VALIDATOR.public_key(), shares | {last: STRANGER}) == (last,)
    assert strangers(VALIDATOR.public_key(), shares | {last: BlsPublicKey(b"\x11" * 48)}) == (last,)


@pytest.mark.parametrize("size", COMMITTEE_SIZES)
def test_one_of_the_first_spoils_all(size: int) -> None:
    shares = share_keys(size)
    assert strangers(VALIDATOR.public_key(), shares | {min(shares): STRANGER}) == tuple(sorted(shares))
    assert strangers(STRANGER, shares) == tuple(sorted(shares))


def test_what_combines_to_no_key() -> None:
    two = SecretKey(2).public_key()
    # with ids 1 and 2 the coefficients are 2 and -1: 2·1 - 2 = 0
    cases: list[dict[OperatorId, BlsPublicKey]] = [
        {},
        {OperatorId(1): SecretKey(1).public_key(), OperatorId(2): two},
        {OperatorId(1): BlsPublicKey(bytes(48))},
    ]
    for shares in cases:
        with pytest.raises(ProtocolError) as caught:
            bls.reconstruct_public_key(shares)
        assert caught.value.reason is Reason.KEY_INVALID
