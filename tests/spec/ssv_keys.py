"""The keys that the ssv vectors use: shares of validators, and operators' RSA keys by the size of the committee.

Source: ssv-spec types/testingutils/keys.go, share_map.go, by way of the archive of test keys.
"""

from __future__ import annotations

from functools import cache, lru_cache

from ssv_protocol.crypto.bls import SecretKey
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.types.committee import committee_id, faulty_nodes
from ssv_protocol.types.ids import (
    BlsPublicKey,
    BlsSignature,
    DomainType,
    ExecutionAddress,
    OperatorId,
    Root,
    ValidatorIndex,
)
from ssv_protocol.types.operator import CommitteeMember, Operator
from ssv_protocol.types.share import Share, ShareMember
from tests.spec.go_json import parse_hex
from tests.spec.vectors import test_keys

ME = OperatorId(1)
DOMAIN = DomainType(bytes.fromhex("00000301"))


@lru_cache
def operator_keys(size: int) -> dict[OperatorId, OperatorPrivateKey]:
    """Return the RSA keys of a committee."""
    ders = test_keys()["sets"][str(size)]["operator_keys_pkcs1_der"]
    return {OperatorId(int(name)): OperatorPrivateKey.from_der(parse_hex(der)) for name, der in ders.items()}


@lru_cache
def committee_member(size: int) -> CommitteeMember:
    """Return operator 1's seat in a committee."""
    keys = operator_keys(size)
    committee = tuple(Operator(operator_id, key.public_pem()) for operator_id, key in sorted(keys.items()))
    return CommitteeMember(ME, committee_id(keys), keys[ME].public_pem(), faulty_nodes(size), committee, DOMAIN)


def validator_secret() -> SecretKey:
    """Return the whole key of the validator that the sets share."""
    return SecretKey.from_bytes(parse_hex(test_keys()["sets"]["4"]["validator_sk"]))


def mapped_pubkey(index: ValidatorIndex) -> BlsPublicKey:
    """Return the public key of a validator of the map."""
    return SecretKey.from_bytes(parse_hex(test_keys()["validators"][str(index)]["validator_sk"])).public_key()


@lru_cache
def validator_share() -> Share:
    """Return operator 1's share, in the committee of four, of the validator that the sets have."""
    secrets = {
        OperatorId(int(name)): SecretKey.from_bytes(parse_hex(secret))
        for name, secret in test_keys()["sets"]["4"]["shares"].items()
    }
    return Share(
        ValidatorIndex(1),
        validator_secret().public_key(),
        secrets[ME].public_key(),
        tuple(ShareMember(secret.public_key(), operator_id) for operator_id, secret in sorted(secrets.items())),
        DOMAIN,
        ExecutionAddress(bytes(20)),
        bytes(32),
    )


@cache
def share_secret(index: ValidatorIndex, size: int, share_pubkey: BlsPublicKey) -> SecretKey:
    """Return operator 1's share of a validator.

    The one validator of the sets and the first of the map have the same index; the public key tells them apart.
    """
    candidates = [test_keys()["sets"][str(size)], test_keys()["validators"].get(str(index))]
    for candidate in candidates:
        if candidate is not None:
            secret = SecretKey.from_bytes(parse_hex(candidate["shares"][str(ME)]))
            if secret.public_key() == share_pubkey:
                return secret
    raise AssertionError(f"no key of validator {index}'s share")


@cache
def sign_share(share: Share, root: Root) -> BlsSignature:
    """Sign with operator 1's share; the vectors sign the same objects again and again."""
    return share_secret(share.validator_index, len(share.committee), share.share_pubkey).sign(root)
