"""Signatures from the external store: asked for together, bounded, and verified before anybody sees them.

A batch is one message, so it is signed whole or fails whole within its time; the same request finds it on record and
tries again. A store that is slow or gone holds up nothing else: what the operator key signs never waits here.

Invariant: a signature leaves only after it verified under the share's public key over the root that this signer
derived and recorded.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Collection, Sequence
from concurrent.futures import Executor

from structlog.typing import FilteringBoundLogger

from ssv_protocol.crypto import bls
from ssv_protocol.types.ids import BlsPublicKey, BlsSignature, Root
from ssv_runtime.health import Dependency
from ssv_signer.errors import ShareKeyMissing
from ssv_signer.share_keys import SigningFailed
from ssv_signer.share_store.client import StoreClient
from ssv_signer.share_store.keys import ExternalKeys
from ssv_signer.work import BatchWork

_SHOWN_KEYS, _SHORT_DIGITS = 3, 12
_REMEDY_REACH = "check the external store, remote_share_store_url and its certificates"
_REMEDY_KEYS = "import these keys into the external store and reload it; their validators miss duties until then"


class ExternalStore:
    """See `share_keys.ShareStore`. `timeout_s` bounds a batch."""

    def __init__(
        self,
        client: StoreClient,
        keys: ExternalKeys,
        health: Dependency,
        log: FilteringBoundLogger,
        *,
        timeout_s: float,
        connections: int,
    ) -> None:
        self.keys = keys
        self._client = client
        self._health = health
        self._log = log
        self._timeout_s = timeout_s
        self._free = asyncio.Semaphore(connections)

    async def admit(self, share_pubkey: BlsPublicKey) -> None:
        """Raise ShareKeyMissing unless the store holds a key, SigningFailed when it can't be asked."""
        if self.keys.listed is None or share_pubkey not in self.keys.listed:
            self.keys.listed = await self._client.public_keys()
        if share_pubkey not in self.keys.listed:
            raise ShareKeyMissing(
                f"the external store does not hold the key of share 0x{share_pubkey.hex()}; import it there and "
                "reload the store, then the share is taken"
            )

    async def sign(self, work: BatchWork, threads: Executor) -> Sequence[BlsSignature]:
        """Return verified signatures, in the order of the record's items; raises SigningFailed."""
        asked = list(dict.fromkeys((item.share_pubkey, item.signing_root) for item in work.record.items))
        missing = [root for _, root in asked if root not in work.bodies]
        if missing:
            raise SigningFailed(f"what root 0x{missing[0].hex()} stands for is not on record")
        try:
            async with asyncio.timeout(self._timeout_s), asyncio.TaskGroup() as tasks:
                asking = [tasks.create_task(self._ask(key, work.bodies[root])) for key, root in asked]
        except TimeoutError:
            raise SigningFailed(f"the share store did not sign all within {self._timeout_s:g} s") from None
        except ExceptionGroup as errors:
            failed = [error for error in errors.exceptions if isinstance(error, SigningFailed)]
            if len(failed) != len(errors.exceptions):
                raise
            raise failed[0] from None
        signatures = dict(zip(asked, (task.result() for task in asking), strict=True))
        wrong = await asyncio.get_running_loop().run_in_executor(threads, _wrong, signatures)
        if wrong is not None:
            self._log.error(
                "the external store gave a wrong signature; nothing was sent",
                share=wrong.hex(),
                remedy="check which key the store holds under this name, and its network",
            )
            raise SigningFailed(f"the share store's signature by 0x{wrong.hex()} does not verify")
        return [signatures[item.share_pubkey, item.signing_root] for item in work.record.items]

    async def look(self, held: Collection[BlsPublicKey]) -> None:
        """Ask which keys the store holds, and show what is missing."""
        try:
            self.keys.listed = listed = await self._client.public_keys()
        except SigningFailed as error:
            self._health.down(str(error), _REMEDY_REACH)
            return
        missing = sorted(set(held) - listed)
        if not missing:
            self._health.up()
            return
        named = ", ".join(f"0x{key.hex()[:_SHORT_DIGITS]}…" for key in missing[:_SHOWN_KEYS])
        more = f" and {len(missing) - _SHOWN_KEYS} more" if len(missing) > _SHOWN_KEYS else ""
        there = len(held) - len(missing)
        self._health.down(f"it holds {there} of {len(held)} share keys; missing are {named}{more}", _REMEDY_KEYS)

    async def _ask(self, share_pubkey: BlsPublicKey, body: bytes) -> BlsSignature:
        async with self._free:
            return await self._client.sign(share_pubkey, body)


def _wrong(signatures: dict[tuple[BlsPublicKey, Root], BlsSignature]) -> BlsPublicKey | None:
    """Return a key whose signature does not verify. Many over one root cost little more than one."""
    by_root: dict[Root, list[tuple[BlsPublicKey, BlsSignature]]] = {}
    for (key, root), signature in signatures.items():
        by_root.setdefault(root, []).append((key, signature))
    for root, signed in by_root.items():
        if not bls.verify_batch(signed, root, secrets.token_bytes):
            return next((key for key, signature in signed if not bls.verify(key, root, signature)), signed[0][0])
    return None
