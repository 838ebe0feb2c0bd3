import secrets
from dataclasses import replace

import pytest
from libs.protocol.tests.registry import chain

from ssv_protocol.crypto import bls
from ssv_protocol.crypto.shares import encrypt_share
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.registry.own_share import own_share
from ssv_protocol.registry.state import ValidatorRecord
from ssv_protocol.types.ids import OperatorId, Root

KEY = chain.validator_key(1).public_key()


def record() -> ValidatorRecord:
    network = chain.chain_with_operators()
    network.block(chain.validator_added(1, 0))
    return network.state.validators[KEY]


def test_every_operator_finds_its_share_and_a_quorum_signs_for_the_validator() -> None:
    validator = record()
    root = Root(b"\x07" * 32)
    partials = {}
    for seat, operator_id in enumerate(chain.FOUR):
        share = own_share(validator, operator_id, chain.operator_key(operator_id))
        assert share.public_key() == validator.share_public_keys[seat]
        partials[operator_id] = share.sign(root)
    del partials[chain.FOUR[1]]
    assert bls.verify(KEY, root, bls.reconstruct(partials))


def test_not_in_the_committee() -> None:
    with pytest.raises(ProtocolError) as caught:
        own_share(record(), OperatorId(5), chain.operator_key(5))
    assert caught.value.reason is Reason.SHARE_INVALID


def test_encrypted_for_another_key() -> None:
    with pytest.raises(ProtocolError) as caught:
        own_share(record(), OperatorId(1), chain.operator_key(2))
    assert caught.value.reason is Reason.SHARE_DECRYPTION


def test_a_share_that_is_not_the_one_announced() -> None:
    validator = record()
    foreign = encrypt_share(chain.operator_key(1).public_pem(), bls.SecretKey.generate(secrets.token_bytes))
    tampered = replace(validator, encrypted_keys=(foreign, *validator.encrypted_keys[1:]))
    with pytest.raises(ProtocolError) as caught:
        own_share(tampered, OperatorId(1), chain.operator_key(1))
    assert caught.value.reason is Reason.SHARE_DECRYPTION


def test_the_registry_keeps_a_validator_whose_share_is_undecryptable() -> None:
    """The state is the same for all operators; only the operator concerned learns of it."""
    good = chain.shares(1, chain.OWNER, 0, chain.FOUR)
    spoiled = good[:-256] + secrets.token_bytes(255).rjust(256, b"\0")
    network = chain.chain_with_operators()
    assert network.block(chain.validator_added(1, 0, share_bytes=spoiled)).skipped == []
    validator = network.state.validators[KEY]
    own_share(validator, OperatorId(1), chain.operator_key(1))
    with pytest.raises(ProtocolError) as caught:
        own_share(validator, OperatorId(4), chain.operator_key(4))
    assert caught.value.reason is Reason.SHARE_DECRYPTION
