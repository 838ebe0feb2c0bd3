"""What stands in for cryptography keeps its promises: nobody signs for another, and shares make the whole signature."""

from __future__ import annotations

from random import Random

import pytest

from ssv_devnet.simulation.machines.stand_in import Notary, StandInOperatorKey, StandInShareKey, reconstruct
from ssv_protocol.crypto import bls, rsa
from ssv_protocol.crypto.bls import SecretKey
from ssv_protocol.crypto.shares import split_key
from ssv_protocol.errors import ProtocolError
from ssv_protocol.types.ids import BlsSignature, MessageId, OperatorId, Root
from ssv_protocol.types.messages import SSVMessage
from ssv_protocol.types.roles import MsgType

ROOT = Root(b"\x0a" * 32)
OTHER_ROOT = Root(b"\x0b" * 32)
MESSAGE = SSVMessage(MsgType.CONSENSUS, MessageId(bytes(56)), b"said")


def stand_in(key: SecretKey) -> StandInShareKey:
    return StandInShareKey(int.from_bytes(key.to_bytes(), "big"))


def test_an_operators_signature_is_its_own_and_of_one_message() -> None:
    one, other, notary = StandInOperatorKey("one"), StandInOperatorKey("other"), Notary()
    notary.register_operator(one)
    notary.register_operator(other)
    encoded, signature = MESSAGE.encode(), one.sign(MESSAGE)
    with notary.instead_of_cryptography():
        assert rsa.verify(one.public_pem(), encoded, signature)
        assert not rsa.verify(other.public_pem(), encoded, signature)
        assert not rsa.verify(one.public_pem(), encoded + b"!", signature)


def test_a_quorum_of_shares_makes_the_validators_signature_and_fewer_do_not() -> None:
    random = Random(7)
    secret = SecretKey.generate(random.randbytes)
    shares = {
        oid: stand_in(key)
        for oid, key in split_key(secret, list(map(OperatorId, range(1, 8))), random.randbytes).items()
    }
    whole, notary = stand_in(secret), Notary()
    for key in (whole, *shares.values()):
        notary.register_share(key)
    signatures = {oid: key.sign(ROOT) for oid, key in shares.items()}
    quorum = {oid: signatures[OperatorId(oid)] for oid in map(OperatorId, (2, 3, 5, 6, 7))}
    with notary.instead_of_cryptography():
        assert bls.reconstruct(quorum) == whole.sign(ROOT)
        assert bls.verify(whole.public_key(), ROOT, bls.reconstruct(quorum))
        assert not bls.verify(whole.public_key(), OTHER_ROOT, bls.reconstruct(quorum))
        few = dict(list(quorum.items())[:4])
        assert not bls.verify(whole.public_key(), ROOT, bls.reconstruct(few))
        bad = {**quorum, OperatorId(2): shares[OperatorId(2)].sign(OTHER_ROOT)}
        assert not bls.verify(whole.public_key(), ROOT, bls.reconstruct(bad))
        assert bls.verify_batch([(shares[OperatorId(2)].public_key(), quorum[OperatorId(2)])], ROOT, random.randbytes)
        assert not bls.verify_batch([(shares[OperatorId(2)].public_key(), bad[OperatorId(2)])], ROOT, random.randbytes)


@pytest.mark.parametrize("signature", [b"", bytes(96), b"\xff" * 96])
def test_bytes_that_are_no_signature_are_malformed(signature: bytes) -> None:
    with pytest.raises(ProtocolError):
        reconstruct({OperatorId(1): BlsSignature(signature)})
