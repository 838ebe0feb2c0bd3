"""The gRPC side of the signer: streams of requests to sign, and the shares.

A stream's requests are answered each as soon as it is signed, in any order; a stream that leaves its answers unread
is not read further. A caller that hangs up loses its answers and nothing else: what was recorded stays so.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from typing import Any

import grpc

from ssv_api.v1 import signer_pb2 as pb
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.signing.verdict import DenialReason, Denied
from ssv_protocol.types.ids import BlsPublicKey, CommitteeId, Slot
from ssv_runtime import lease_wire
from ssv_runtime.lease_wire import LeaseMalformed
from ssv_runtime.names import CLI, CONSENSUS, DUTY_SCHEDULER, ETH1_LISTENER, SERVICES
from ssv_runtime.rpc import Permissions, RpcRefusal, caller_of
from ssv_signer import audit, custody, drafts
from ssv_signer.audit import Audit
from ssv_signer.batch import NOT_DURABLE, GroupCommit
from ssv_signer.custody import NewShare
from ssv_signer.errors import ShareConflict, ShareKeyMissing, ShareRefused
from ssv_signer.lease_calls import LeaseCalls
from ssv_signer.meters import Meters
from ssv_signer.share_keys import ShareStore, SigningFailed
from ssv_signer.signatures import SigningPool
from ssv_signer.slashing_calls import SlashingCalls
from ssv_signer.store.database import StoreError
from ssv_signer.vault import Vault
from ssv_signer.work import Asked, BatchWork, EnvelopeWork, Failure, Refusal

_SIGNER = "ssv.v1.Signer"
PERMISSIONS = Permissions(
    {
        f"{_SIGNER}/Sign": {CONSENSUS},
        f"{_SIGNER}/Claim": {CONSENSUS},
        f"{_SIGNER}/Renew": {CONSENSUS},
        f"{_SIGNER}/Release": {CONSENSUS},
        f"{_SIGNER}/Journal": {CONSENSUS},
        f"{_SIGNER}/Watermarks": {CONSENSUS},
        f"{_SIGNER}/Identity": {*SERVICES, CLI},
        f"{_SIGNER}/AddShare": {ETH1_LISTENER},
        f"{_SIGNER}/RemoveShare": {ETH1_LISTENER},
        f"{_SIGNER}/ListShares": {CONSENSUS, DUTY_SCHEDULER, ETH1_LISTENER, CLI},
        f"{_SIGNER}/ExportSlashing": {CLI},
        f"{_SIGNER}/ImportSlashing": {CLI},
        f"{_SIGNER}/ExportSlashingHistory": {CLI},
        f"{_SIGNER}/ImportSlashingHistory": {CLI},
    }
)
_BROKE = "the signer failed; its log says why"
_Context = grpc.aio.ServicerContext[Any, Any]


class SignerServer(LeaseCalls, SlashingCalls):
    """Answers the calls; what may be signed is decided behind `commits`, shares behind `vault`."""

    def __init__(
        self,
        *,
        vault: Vault,
        commits: GroupCommit,
        pool: SigningPool,
        operator_key: OperatorPrivateKey,
        audit_log: Audit,
        meters: Meters,
        plain_keys: Callable[[], Collection[BlsPublicKey]],
        show_quiet: Callable[[Mapping[CommitteeId, Slot]], None],
        max_stream_requests: int,
        share_store: ShareStore | None = None,
    ) -> None:
        self._vault = vault
        self._commits = commits
        self._pool = pool
        self._operator_key = operator_key
        self._audit = audit_log
        self._meters = meters
        self._plain_keys = plain_keys
        self._show_quiet = show_quiet
        self._max_stream_requests = max_stream_requests
        self._share_store = share_store
        self._signing_s = {kind: meters.signing_s.labels(kind) for kind in audit.KINDS}

    async def Sign(  # noqa: N802 (gRPC's name)
        self, request_iterator: AsyncIterator[pb.SignRequest], context: _Context
    ) -> AsyncIterator[pb.SignResponse]:
        """Check, record and sign; one answer for each request."""
        caller = caller_of(context)
        answers: asyncio.Queue[pb.SignResponse | None] = asyncio.Queue()
        free = asyncio.Semaphore(self._max_stream_requests)

        async def answer(request: pb.SignRequest) -> None:
            answers.put_nowait(await self._answer(request, caller))

        async def read() -> None:
            try:
                async with asyncio.TaskGroup() as tasks:
                    async for request in request_iterator:
                        await free.acquire()
                        tasks.create_task(answer(request))
            finally:
                answers.put_nowait(None)

        reading = asyncio.create_task(read())
        try:
            while (response := await answers.get()) is not None:
                yield response
                free.release()
            await reading
        finally:
            reading.cancel()

    async def Identity(self, request: pb.IdentityRequest, context: _Context) -> pb.IdentityResponse:  # noqa: N802
        """Return the operator's public key."""
        return pb.IdentityResponse(public_key=self._operator_key.public_pem())

    async def Watermarks(self, request: pb.WatermarksRequest, context: _Context) -> pb.WatermarksResponse:  # noqa: N802
        """Return what the shares of a committee may still sign."""
        marks = await self._vault.watermarks(CommitteeId(request.committee_id))
        return pb.WatermarksResponse(
            watermarks=[
                pb.Watermark(
                    validator_pubkey=row.validator_pubkey,
                    share_pubkey=row.share_pubkey,
                    source_epoch=record.source,
                    target_epoch=record.target,
                    may_sign_from_epoch=row.may_sign_from,
                )
                for row, record in marks
            ]
        )

    async def AddShare(self, request: pb.AddShareRequest, context: _Context) -> pb.AddShareResponse:  # noqa: N802
        """Hold a share."""
        try:
            share = await asyncio.to_thread(self._check, request)
            if self._share_store is not None:
                await self._share_store.admit(share.share_pubkey)
            added = await self._vault.add_share(share)
        except ShareRefused as error:
            raise RpcRefusal(grpc.StatusCode.INVALID_ARGUMENT, "share_refused", str(error)) from None
        except ShareConflict as error:
            raise RpcRefusal(grpc.StatusCode.FAILED_PRECONDITION, "share_conflict", str(error)) from None
        except ShareKeyMissing as error:
            raise RpcRefusal(grpc.StatusCode.FAILED_PRECONDITION, "share_key_missing", str(error)) from None
        except SigningFailed as error:
            raise RpcRefusal(grpc.StatusCode.UNAVAILABLE, "share_store", str(error)) from None
        except StoreError:
            raise RpcRefusal(grpc.StatusCode.UNAVAILABLE, "not_durable", NOT_DURABLE) from None
        self._meters.shares.inc(int(added.added))
        self._audit.share_added(share, added, caller_of(context))
        return pb.AddShareResponse(added=added.added, may_sign_from_epoch=added.may_sign_from)

    async def RemoveShare(self, request: pb.RemoveShareRequest, context: _Context) -> pb.RemoveShareResponse:  # noqa: N802
        """Let go of a share."""
        try:
            removed = await self._vault.remove_share(BlsPublicKey(request.validator_pubkey))
        except StoreError:
            raise RpcRefusal(grpc.StatusCode.UNAVAILABLE, "not_durable", NOT_DURABLE) from None
        if removed:
            self._meters.shares.dec()
            self._audit.share_removed(BlsPublicKey(request.validator_pubkey), caller_of(context))
        return pb.RemoveShareResponse(removed=removed)

    async def ListShares(self, request: pb.ListSharesRequest, context: _Context) -> pb.ListSharesResponse:  # noqa: N802
        """Return the shares held."""
        return pb.ListSharesResponse(
            shares=[
                pb.HeldShare(
                    validator_pubkey=row.validator_pubkey,
                    share_pubkey=row.share_pubkey,
                    committee_id=row.committee,
                    may_sign_from_epoch=row.may_sign_from,
                )
                for row in await self._vault.shares()
            ]
        )

    def _check(self, request: pb.AddShareRequest) -> NewShare:
        return custody.check_share(
            self._operator_key,
            self._vault.network.ssv.alan_domain,
            validator_pubkey=request.validator_pubkey,
            share_pubkey=request.share_pubkey,
            encrypted_share=request.encrypted_share,
            operator_id=request.operator_id,
            operators=[(operator.operator_id, operator.public_key) for operator in request.committee],
        )

    async def _answer(self, request: pb.SignRequest, caller: str) -> pb.SignResponse:
        try:
            return await self._judge_and_sign(request, caller)
        except Exception:  # one request never ends the stream of the others
            self._audit.broke(caller)
            return pb.SignResponse(request_id=request.request_id, failed=pb.Failed(reason=_BROKE))

    async def _judge_and_sign(self, request: pb.SignRequest, caller: str) -> pb.SignResponse:
        number, draft = request.request_id, drafts.parse(request)
        if isinstance(draft, Denied):
            self._audit.refused(None, draft, caller)
            return pb.SignResponse(request_id=number, denied=drafts.denied(draft))
        try:
            lease = lease_wire.decode(request.lease) if request.HasField("lease") else None
        except LeaseMalformed as error:
            denied = Denied(DenialReason.MALFORMED, str(error))
            self._audit.refused(draft, denied, caller)
            return pb.SignResponse(request_id=number, denied=drafts.denied(denied))
        judgement = await self._commits.submit(Asked(draft, lease))
        if isinstance(judgement, Refusal):
            self._audit.refused(draft, judgement.denied, caller)
            self._audit.left_out(draft, judgement.left_out, caller)
            return pb.SignResponse(request_id=number, denied=drafts.denied(judgement.denied, judgement.left_out))
        if isinstance(judgement, Failure):
            self._audit.failed(draft, judgement.reason, caller)
            return pb.SignResponse(request_id=number, failed=pb.Failed(reason=judgement.reason))
        try:
            message = await self._sign(judgement, audit.kind(draft))
        except SigningFailed as error:
            self._audit.failed(draft, str(error), caller)
            return pb.SignResponse(request_id=number, failed=pb.Failed(reason=str(error)))
        response = pb.SignResponse(request_id=number)
        response.signed.message = message
        if isinstance(judgement, BatchWork) and judgement.left_out:
            self._audit.left_out(draft, judgement.left_out, caller)
            response.signed.denied.extend(drafts.left_out(judgement.left_out))
        self._audit.signed(draft)
        if judgement.lease is not None:
            response.lease.CopyFrom(lease_wire.encode(judgement.lease))
        return response

    async def _sign(self, work: EnvelopeWork | BatchWork, kind: str) -> bytes:
        begun = time.perf_counter()
        try:
            return await self._pool.sign(work)
        finally:
            self._signing_s[kind].observe(time.perf_counter() - begun)
