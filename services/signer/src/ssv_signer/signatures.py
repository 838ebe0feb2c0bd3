"""Making signatures: BLS over the items of a batch in a pool of threads, then the operator key over the message.

Both libraries release the interpreter lock, so threads help. Envelopes that become due together go to a thread several
at a time, because handing one over and back takes a good part of the time that its signature does. Both kinds of
signature are deterministic: signing what is on record again gives the same bytes.

Source: crypto-python.md; ssv-spec types/partial_sig_message.go, types/operator_signer.go.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
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
_LEAST_ENVELOPES_AT_ONCE = 16
_TURNS = 8
"""In how many parts a thread is given what is due: more cost more, and the first answers wait for fewer."""
Signed = Callable[[bytes | Exception], None]
"""Is told the encoded SignedSSVMessage, or why there is none: SigningFailed, or what broke."""
_Envelope = tuple[EnvelopeWork, Signed]


class SigningPool:
    """Signs work that is on record; shares of an external store are signed with there. Close it when done."""

    def __init__(self, operator_key: OperatorPrivateKey, threads: int = 0, store: ShareStore | None = None) -> None:
        self._operator_key = operator_key
        self._store = store
        self._threads = threads or os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="sign")
        self._envelopes: list[_Envelope] = []
        self._batches: set[asyncio.Task[None]] = set()

    def begin(self, work: Work, signed: Signed) -> None:
        """Make the signatures of what is on record; `signed` is called in the event loop, and raises nothing."""
        if isinstance(work, EnvelopeWork):
            self._due(work, signed)
            return
        task = asyncio.create_task(self._sign_batch(work, signed))
        self._batches.add(task)
        task.add_done_callback(self._batches.discard)

    async def sign(self, work: Work) -> bytes:
        """Return the encoded SignedSSVMessage; raises SigningFailed."""
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        def signed(outcome: bytes | Exception) -> None:
            if answer.done():  # who asked hung up
                return
            if isinstance(outcome, Exception):
                answer.set_exception(outcome)
            else:
                answer.set_result(outcome)

        self.begin(work, signed)
        return await answer

    async def _sign_batch(self, work: BatchWork, signed: Signed) -> None:
        try:
            if self._store is None:
                signatures = await self._with_secrets(work)
            else:
                signatures = await self._store.sign(work, self._pool)
            message = await asyncio.get_running_loop().run_in_executor(self._pool, self._batch, work, signatures)
        except Exception as error:
            signed(error)
        else:
            signed(message)

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

    def _due(self, work: EnvelopeWork, signed: Signed) -> None:
        self._envelopes.append((work, signed))
        if len(self._envelopes) == 1:
            loop = asyncio.get_running_loop()
            loop.call_soon(self._hand_out, loop)

    def _hand_out(self, loop: asyncio.AbstractEventLoop) -> None:
        due, self._envelopes = self._envelopes, []
        size = max(_LEAST_ENVELOPES_AT_ONCE, len(due) // (self._threads * _TURNS))
        for start in range(0, len(due), size):
            part = due[start : start + size]
            try:
                self._pool.submit(self._sign_envelopes, loop, part)
            except RuntimeError as error:  # it is closed
                _tell(part, [error] * len(part))

    def _sign_envelopes(self, loop: asyncio.AbstractEventLoop, due: Sequence[_Envelope]) -> None:
        outcomes: list[bytes | Exception] = []
        for work, _ in due:
            try:
                outcomes.append(self._envelope(work.operator_id, work.message))
            except Exception as error:
                outcomes.append(error)
        loop.call_soon_threadsafe(_tell, due, outcomes)

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


def _tell(due: Sequence[_Envelope], outcomes: Sequence[bytes | Exception]) -> None:
    for (_, signed), outcome in zip(due, outcomes, strict=True):
        signed(outcome)


def _sign(pairs: Sequence[tuple[SecretKey, ShareSigning]]) -> list[BlsSignature]:
    return [secret.sign(item.signing_root) for secret, item in pairs]
