import secrets

import pytest
from libs.protocol.tests.registry.chain import (
    FOUR,
    OWNER,
    apply_logs,
    block_hash,
    chain_with_operators,
    log,
    placed,
    shares,
    validator_added,
    validator_key,
    validator_removed,
)

from ssv_protocol.crypto import bls
from ssv_protocol.crypto.shares import ownership_root
from ssv_protocol.registry.apply import apply_block
from ssv_protocol.registry.ownership import CheckedClaims, ownership_claims
from ssv_protocol.registry.state import RegistryState
from ssv_protocol.types.ids import BlsPublicKey, BlsSignature, ExecutionAddress, Root

OTHER = ExecutionAddress(b"\x77" * 20)


def signed(number: int) -> tuple[BlsPublicKey, Root, BlsSignature]:
    root = ownership_root(OWNER, number)
    return validator_key(number).public_key(), root, validator_key(number).sign(root)


@pytest.mark.parametrize("bad", [[], [0], [6], [2, 3], [0, 1, 2, 3, 4, 5, 6]])
def test_the_bad_ones_of_a_batch_are_found(bad: list[int]) -> None:
    batch = [signed(number) for number in range(7)]
    for number in bad:
        key, root, _ = batch[number]
        batch[number] = (key, root, signed(number + 7)[2])
    assert bls.verify_many(batch, secrets.token_bytes) == [number not in bad for number in range(7)]


def test_errors_that_cancel_each_other_are_found() -> None:
    (key, root, signature), (other_key, other_root, other) = signed(0), signed(1)
    swapped = [(key, root, other), (other_key, other_root, signature)]
    assert bls.verify_many(swapped, secrets.token_bytes) == [False, False]


@pytest.mark.parametrize("broken", [b"", bytes(48), b"\xc0" + bytes(47), b"\xff" * 48])
def test_malformed_points_are_bad_and_spoil_no_other(broken: bytes) -> None:
    key, root, signature = signed(0)
    batch = [(BlsPublicKey(broken), root, signature), (key, root, signature), (key, root, BlsSignature(broken * 2))]
    assert bls.verify_many(batch, secrets.token_bytes) == [False, True, False]


def test_an_empty_batch_is_fine() -> None:
    assert bls.verify_many([], secrets.token_bytes) == []


def test_what_was_checked_ahead_is_what_blocks_ask_for() -> None:
    chain = chain_with_operators()
    chain.block(validator_added(1, nonce=0))
    logs = [
        validator_added(2, nonce=1),
        log("ValidatorAdded", OWNER, FOUR, b"no key", b"no shares", (0, 0, 0, True, 0)),  # takes nonce 2
        validator_removed(1),
        validator_added(3, nonce=3),
        validator_added(4, nonce=0, owner=OTHER),
        validator_added(5, nonce=9),  # takes nonce 4
        validator_added(6, nonce=5),
    ]
    number = chain.state.block_number + 1
    placed_logs = placed(number, logs)
    claims = ownership_claims(chain.state, placed_logs)
    checked = CheckedClaims()
    checked.add(claims, bls.verify_many(claims, secrets.token_bytes))
    asked: list[bool] = []

    def verify(key: BlsPublicKey, root: Root, signature: BlsSignature) -> bool:
        asked.append((key, root, signature) in checked.known)
        return checked.verify(key, root, signature)

    ahead = apply_block(chain.state, number, block_hash(number), placed_logs, None, verify)
    assert ahead.state == apply_logs(chain.state, *logs).state
    assert asked == [True] * 5
    assert [checked.known[claim] for claim in claims] == [True, True, True, False, True]


def test_what_was_not_checked_ahead_is_checked() -> None:
    key, root, signature = signed(0)
    assert CheckedClaims().verify(key, root, signature)
    assert not CheckedClaims().verify(key, ownership_root(OWNER, 1), signature)


def test_an_event_with_a_bad_committee_is_left_to_the_rules() -> None:
    three = FOUR[:3]
    entry = validator_added(1, nonce=0, operator_ids=three, share_bytes=shares(1, OWNER, 0, FOUR))
    assert ownership_claims(RegistryState(), placed(0, [entry])) == []
