"""The pool of signing threads: what becomes due together is signed together, each answered for itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from tests.support.signing_world import OWN, SigningWorld

from ssv_protocol.crypto import rsa
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.signing.records import UnsignedMessage
from ssv_protocol.types.ids import CommitteeId, MessageId, RsaSignature
from ssv_protocol.types.messages import SignedSSVMessage, SSVMessage
from ssv_protocol.types.roles import MsgType
from ssv_signer.signatures import SigningPool
from ssv_signer.work import EnvelopeWork

pytestmark = pytest.mark.asyncio
MANY = 100


@pytest.fixture
def pool(world: SigningWorld) -> Iterator[SigningPool]:
    made = SigningPool(world.own_key, 2)
    yield made
    made.close()


def work(number: int) -> EnvelopeWork:
    message = SSVMessage(MsgType.CONSENSUS, MessageId(bytes(56)), b"%d" % number)
    return EnvelopeWork(CommitteeId(bytes(32)), OWN, UnsignedMessage.of(message, b"full %d" % number))


async def test_each_of_many_is_given_its_own(pool: SigningPool, world: SigningWorld) -> None:
    answers = await asyncio.gather(*(pool.sign(work(number)) for number in range(MANY)))
    for number, answer in enumerate(answers):
        signed, asked = SignedSSVMessage.decode(answer), work(number).message
        assert (signed.ssv_message, signed.full_data, signed.operator_ids) == (asked.message, asked.full_data, (OWN,))
        assert rsa.verify(world.own_key.public_pem(), asked.message.encode(), signed.signatures[0])


async def test_one_that_fails_and_one_that_hangs_up_leave_the_others_alone(
    pool: SigningPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign = OperatorPrivateKey.sign_encoded

    def fail(key: OperatorPrivateKey, message: bytes) -> RsaSignature:
        if SSVMessage.decode(message).data == b"3":
            raise ValueError("no signature")
        return sign(key, message)

    monkeypatch.setattr(OperatorPrivateKey, "sign_encoded", fail)
    tasks = [asyncio.create_task(pool.sign(work(number))) for number in range(8)]
    await asyncio.sleep(0)
    tasks[5].cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(answers[3], ValueError)
    assert isinstance(answers[5], asyncio.CancelledError)
    assert all(isinstance(answer, bytes) for number, answer in enumerate(answers) if number not in (3, 5))


async def test_a_pool_that_is_closed_says_so(world: SigningWorld) -> None:
    pool = SigningPool(world.own_key, 1)
    pool.close()
    with pytest.raises(RuntimeError):
        await pool.sign(work(1))
