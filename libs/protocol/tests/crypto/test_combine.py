import secrets
from dataclasses import replace
from functools import cache

import pytest

from ssv_protocol.crypto import bls, combine
from ssv_protocol.crypto.bls import SecretKey
from ssv_protocol.crypto.shares import split_key
from ssv_protocol.effects import Combine, CombinedAll, ShareSignatures
from ssv_protocol.types.ids import BlsPublicKey, BlsSignature, OperatorId, Root, ValidatorIndex

ROOT, OTHER_ROOT = Root(b"\x01" * 32), Root(b"\x02" * 32)
OPERATORS = tuple(map(OperatorId, (2, 5, 11, 1021)))


@cache
def validator(number: int) -> tuple[SecretKey, dict[OperatorId, SecretKey]]:
    secret = SecretKey.generate(secrets.token_bytes)
    return secret, split_key(secret, OPERATORS, secrets.token_bytes)


def item(number: int, root: Root = ROOT, signers: tuple[int, ...] = (2, 5, 11)) -> ShareSignatures:
    secret, shares = validator(number)
    return ShareSignatures(
        ValidatorIndex(number),
        secret.public_key(),
        root,
        {OperatorId(signer): shares[OperatorId(signer)].sign(root) for signer in signers},
        {operator: key.public_key() for operator, key in shares.items()},
    )


def spoiled(good: ShareSignatures, signer: int, signature: bytes | None = None) -> ShareSignatures:
    bad = BlsSignature(signature) if signature is not None else validator(99)[0].sign(good.root)
    return replace(good, partials={**good.partials, OperatorId(signer): bad})


def run(*items: ShareSignatures) -> CombinedAll:
    return combine.combine(Combine(items), secrets.token_bytes)


def signature_of(number: int, root: Root = ROOT) -> BlsSignature:
    return validator(number)[0].sign(root)


def test_gives_the_validators_signatures_in_the_order_of_the_items() -> None:
    answer = run(item(1), item(2, OTHER_ROOT), item(3), item(1, OTHER_ROOT))
    assert [(r.validator_index, r.root, r.signature) for r in answer.results] == [
        (1, ROOT, signature_of(1)),
        (2, OTHER_ROOT, signature_of(2, OTHER_ROOT)),
        (3, ROOT, signature_of(3)),
        (1, OTHER_ROOT, signature_of(1, OTHER_ROOT)),
    ]
    assert not any(r.bad_operators for r in answer.results)


def test_more_shares_than_a_quorum_give_the_same() -> None:
    assert run(item(1, signers=(2, 5, 11, 1021))).results[0].signature == signature_of(1)
    assert run(item(1, signers=(5, 11, 1021))).results[0].signature == signature_of(1)


def test_nothing_of_nothing() -> None:
    assert run() == CombinedAll(())


INFINITY = bytes([0xC0]) + bytes(95)


@pytest.mark.parametrize("signature", [None, bytes(96), b"\xff" * 96, INFINITY, b""])
def test_a_bad_share_is_named_and_the_others_of_the_batch_are_done(signature: bytes | None) -> None:
    good, bad, other = run(item(1), spoiled(item(2), 5, signature), item(3)).results
    assert (good.signature, other.signature) == (signature_of(1), signature_of(3))
    assert bad.signature is None
    assert bad.bad_operators == {OperatorId(5)}


def test_every_bad_share_is_named() -> None:
    (result,) = run(spoiled(spoiled(item(1, signers=(2, 5, 11, 1021)), 2), 1021)).results
    assert result.bad_operators == {OperatorId(2), OperatorId(1021)}


def test_errors_that_cancel_each_other_out_do_not_pass() -> None:
    # each share of the one is the other's: both sums are as wrong as can be, and add up to the right one
    one, other = item(1), item(2)
    first, second = run(replace(one, partials=other.partials), replace(other, partials=one.partials)).results
    assert first.signature is second.signature is None
    assert first.bad_operators == second.bad_operators == {2, 5, 11}


def test_a_share_over_another_root_is_bad() -> None:
    wrong_root = validator(1)[1][OperatorId(11)].sign(OTHER_ROOT)
    (result,) = run(spoiled(item(1), 11, wrong_root)).results
    assert result.bad_operators == {OperatorId(11)}


def test_an_operator_without_a_registered_share_key_is_bad() -> None:
    good = item(1)
    keys = {operator: key for operator, key in good.share_pubkeys.items() if operator != 5}
    assert combine.bad_shares(replace(good, share_pubkeys=keys)) == {OperatorId(5)}
    assert combine.bad_shares(good) == frozenset()


def test_no_share_is_blamed_when_the_validator_key_is_wrong() -> None:
    stranger = BlsPublicKey(validator(2)[0].public_key())
    (result,) = run(replace(item(1), validator_pubkey=stranger)).results
    assert result.signature is None
    assert result.bad_operators == frozenset()


def test_too_few_shares_make_no_signature() -> None:
    (result,) = run(item(1, signers=(2, 5))).results
    assert result.signature is None
    assert result.bad_operators == frozenset()


def test_one_bad_root_leaves_the_batch_of_another_root_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[Root] = []
    verify = bls.verify

    def spy(pubkey: BlsPublicKey, root: Root, signature: BlsSignature) -> bool:
        looked_at.append(root)
        return verify(pubkey, root, signature)

    monkeypatch.setattr(bls, "verify", spy)
    run(item(1), item(2), item(3), spoiled(item(1, OTHER_ROOT), 5))
    assert looked_at.count(ROOT) == 1, "three signatures over one root, one verification"
