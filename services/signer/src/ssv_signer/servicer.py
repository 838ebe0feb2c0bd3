"""The gRPC side of the signer: streams of requests to sign, and the shares.

A stream's requests are answered each as soon as it is signed, in any order; a stream that leaves its answers unread
is not read further. A caller that hangs up loses its answers and nothing else: what was recorded stays so.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import aclosing
from typing import Any

import grpc

from ssv_api.v1 import signer_pb2 as pb
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.types.ids import BlsPublicKey, CommitteeId, Epoch, Slot
from ssv_runtime.names import CLI, CONSENSUS, DUTY_SCHEDULER, ETH1_LISTENER, SERVICES
from ssv_runtime.rpc import Permissions, RpcRefusal, caller_of
from ssv_signer import audit, custody
from ssv_signer.audit import Audit
from ssv_signer.batch import NOT_DURABLE, GroupCommit
from ssv_signer.custody import NewShare
from ssv_signer.errors import HoldRefused, ShareConflict, ShareKeyMissing, ShareRefused
from ssv_signer.lease_calls import LeaseCalls
from ssv_signer.meters import Meters
from ssv_signer.share_keys import ShareStore, SigningFailed
from ssv_signer.signatures import SigningPool
from ssv_signer.signing_stream import Signing, SigningStream
from ssv_signer.slashing_calls import SlashingCalls
from ssv_signer.store.database import StoreError
from ssv_signer.vault import Vault

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
        f"{_SIGNER}/Hold": {DUTY_SCHEDULER},
        f"{_SIGNER}/ExportSlashing": {CLI},
        f"{_SIGNER}/ImportSlashing": {CLI},
        f"{_SIGNER}/ExportSlashingHistory": {CLI},
        f"{_SIGNER}/ImportSlashingHistory": {CLI},
    }
)
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
        self._pool = pool
        self._operator_key = operator_key
        self._audit = audit_log
        self._meters = meters
        self._plain_keys = plain_keys
        self._show_quiet = show_quiet
        self._max_stream_requests = max_stream_requests
        self._share_store = share_store
        signing_s = {kind: meters.signing_s.labels(kind) for kind in audit.KINDS}
        self._signing = Signing(commits, pool, audit_log, signing_s)

    async def Sign(  # noqa: N802 (gRPC's name)
        self, request_iterator: AsyncIterator[pb.SignRequest], context: _Context
    ) -> AsyncIterator[pb.SignResponse]:
        """Check, record and sign; one answer for each request."""
        stream = SigningStream(self._signing, caller_of(context), self._max_stream_requests)
        async with aclosing(stream.run(request_iterator)) as answers:
            async for answer in answers:
                yield answer

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
        rows = await self._vault.shares()
        owned = await self._vault.owned(rows)
        return pb.ListSharesResponse(
            shares=[
                pb.HeldShare(
                    validator_pubkey=row.validator_pubkey,
                    share_pubkey=row.share_pubkey,
                    committee_id=row.committee,
                    may_sign_from_epoch=row.may_sign_from,
                    owned_epoch=owned.get(row.share_pubkey),
                )
                for row in rows
            ]
        )

    async def Hold(self, request: pb.HoldRequest, context: _Context) -> pb.HoldResponse:  # noqa: N802
        """Let shares sign nothing slashable before an epoch."""
        epoch = Epoch(request.epoch)
        try:
            raised = await self._vault.hold(
                [BlsPublicKey(key) for key in dict.fromkeys(request.validator_pubkeys)], epoch
            )
        except HoldRefused as error:
            raise RpcRefusal(grpc.StatusCode.INVALID_ARGUMENT, "hold_refused", str(error)) from None
        except StoreError:
            raise RpcRefusal(grpc.StatusCode.UNAVAILABLE, "not_durable", NOT_DURABLE) from None
        self._audit.held(raised, epoch, caller_of(context))
        return pb.HoldResponse(raised=len(raised))

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
