"""Making signatures: BLS over the items of a batch in a pool of threads, then the operator key over the message.

Both libraries release the interpreter lock, so threads help. Envelopes that become due together go to a thread several
at a time, because handing one over and back takes a good part of the time that its signature does. Both kinds of
signature are deterministic: signing what is on record again gives the same bytes.

Source: crypto-python.md; ssv-spec types/partial_sig_message.go, types/operator_signer.go.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from ssv_protocol.crypto.bls import SecretKey
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.signing.records import ShareSigning, UnsignedMessage
from ssv_protocol.types.ids import BlsSignature, OperatorId, Root
from ssv_protocol.types.messages import SSVMessage, encode_signed
from ssv_protocol.types.partial_signatures import PartialSignature, PartialSignatures
from ssv_protocol.types.roles import MsgType
from ssv_signer.share_keys import ShareStore
from ssv_signer.work import BatchWork, EnvelopeWork, Work

_LEAST_ITEMS_PER_THREAD = 4
_ENVELOPES_AT_ONCE = 16
_Answer = asyncio.Future[bytes]
_Envelope = tuple[OperatorId, UnsignedMessage, _Answer]


class SigningPool:
    """Signs work that is on record; shares of an external store are signed with there. Close it when done."""

    def __init__(self, operator_key: OperatorPrivateKey, threads: int = 0, store: ShareStore | None = None) -> None:
        self._operator_key = operator_key
        self._store = store
        self._threads = threads or os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="sign")
        self._envelopes: list[_Envelope] = []

    async def sign(self, work: Work) -> bytes:
        """Return the encoded SignedSSVMessage; raises SigningFailed."""
        loop = asyncio.get_running_loop()
        if isinstance(work, EnvelopeWork):
            return await self._due(loop, work.operator_id, work.message)
        if self._store is None:
            signatures = await self._with_secrets(work)
        else:
            signatures = await self._store.sign(work, self._pool)
        return await loop.run_in_executor(self._pool, self._batch, work, signatures)

    async def _with_secrets(self, work: BatchWork) -> Sequence[BlsSignature]:
        loop, pairs = asyncio.get_running_loop(), list(zip(work.secrets, work.record.items, strict=True))
        size = max(_LEAST_ITEMS_PER_THREAD, -(-len(pairs) // self._threads))
        parts = [pairs[start : start + size] for start in range(0, len(pairs), size)]
        signed = await asyncio.gather(*(loop.run_in_executor(self._pool, _sign, part) for part in parts))
        return [signature for part in signed for signature in part]

    async def sign_root(self, secret: SecretKey, root: Root) -> BlsSignature:
        """Return one BLS signature, by a key that is no share."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, secret.sign, root)

    def close(self) -> None:
        """Finish what was begun and end the threads."""
        self._pool.shutdown()

    def _due(self, loop: asyncio.AbstractEventLoop, operator_id: OperatorId, message: UnsignedMessage) -> _Answer:
        answer: _Answer = loop.create_future()
        self._envelopes.append((operator_id, message, answer))
        if len(self._envelopes) == 1:
            loop.call_soon(self._hand_out, loop)
        elif len(self._envelopes) == _ENVELOPES_AT_ONCE:
            self._hand_out(loop)
        return answer

    def _hand_out(self, loop: asyncio.AbstractEventLoop) -> None:
        due, self._envelopes = self._envelopes, []
        if not due:
            return
        try:
            self._pool.submit(self._sign_envelopes, loop, due)
        except RuntimeError as error:  # it is closed
            _tell(due, [error] * len(due))

    def _sign_envelopes(self, loop: asyncio.AbstractEventLoop, due: Sequence[_Envelope]) -> None:
        signed: list[bytes | Exception] = []
        for operator_id, message, _ in due:
            try:
                signed.append(self._envelope(operator_id, message))
            except Exception as error:
                signed.append(error)
        loop.call_soon_threadsafe(_tell, due, signed)

    def _batch(self, work: BatchWork, signatures: Sequence[BlsSignature]) -> bytes:
        partials = tuple(
            PartialSignature(signature, item.signing_root, work.operator_id, item.validator_index)
            for signature, item in zip(signatures, work.record.items, strict=True)
        )
        content = PartialSignatures(work.record.type, work.record.slot, partials).encode()
        message = SSVMessage(MsgType.PARTIAL_SIGNATURE, work.message_id, content)
        return self._envelope(work.operator_id, UnsignedMessage.of(message))

    def _envelope(self, operator_id: OperatorId, unsigned: UnsignedMessage) -> bytes:
        signature = self._operator_key.sign_encoded(unsigned.encoded)
        return encode_signed(unsigned.encoded, signature, operator_id, unsigned.full_data)


def _tell(due: Sequence[_Envelope], signed: Sequence[bytes | Exception]) -> None:
    for (_, _, answer), message in zip(due, signed, strict=True):
        if answer.done():  # who asked hung up
            continue
        if isinstance(message, Exception):
            answer.set_exception(message)
        else:
            answer.set_result(message)


def _sign(pairs: Sequence[tuple[SecretKey, ShareSigning]]) -> list[BlsSignature]:
    return [secret.sign(item.signing_root) for secret, item in pairs]
