"""The signer's key management at its border, for tests of those who call it: the real wire and the real share checks,
no signing, no database. `failures` makes the next calls fail."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc

from ssv_api.v1 import signer_pb2 as pb
from ssv_api.v1.signer_pb2_grpc import add_SignerServicer_to_server
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.crypto.shares import decrypt_share
from ssv_protocol.errors import ProtocolError
from ssv_protocol.types.committee import committee_id
from ssv_protocol.types.ids import BlsPublicKey, OperatorId
from ssv_runtime.rpc import Permissions, RpcRefusal, secure_server
from ssv_runtime.service import Service
from ssv_runtime.settings import GrpcServiceSettings
from tests.support.leaseless_signer import LeaselessSigner

Context = grpc.aio.ServicerContext[Any, Any]
PERMISSIONS = Permissions(
    {
        "ssv.v1.Signer/Identity": ["eth1-listener", "duty-scheduler"],
        "ssv.v1.Signer/AddShare": ["eth1-listener"],
        "ssv.v1.Signer/RemoveShare": ["eth1-listener"],
        "ssv.v1.Signer/ListShares": ["eth1-listener", "duty-scheduler"],
        "ssv.v1.Signer/Hold": ["duty-scheduler"],
    }
)


class BorderSigner(LeaselessSigner):
    """Holds shares by validator key; `calls` is what it was asked to change."""

    def __init__(self, key: OperatorPrivateKey, may_sign_from_epoch: int = 7) -> None:
        self._key = key
        self.may_sign_from_epoch = may_sign_from_epoch
        self.shares: dict[bytes, pb.HeldShare] = {}
        self.committee_keys: dict[bytes, list[bytes]] = {}
        self.calls: list[str] = []
        self.lists = 0
        self.failures: deque[grpc.StatusCode] = deque()

    def _fail(self) -> None:
        if self.failures:
            raise RpcRefusal(self.failures.popleft(), "made_to_fail")

    async def Identity(self, _request: pb.IdentityRequest, _context: Context) -> pb.IdentityResponse:  # noqa: N802
        return pb.IdentityResponse(public_key=self._key.public_pem())

    async def ListShares(self, _request: pb.ListSharesRequest, _context: Context) -> pb.ListSharesResponse:  # noqa: N802
        self.lists += 1
        self._fail()
        return pb.ListSharesResponse(shares=self.shares.values())

    async def Hold(self, request: pb.HoldRequest, _context: Context) -> pb.HoldResponse:  # noqa: N802
        self._fail()
        raised = 0
        for key in request.validator_pubkeys:
            share = self.shares.get(key)
            if share is not None and share.may_sign_from_epoch < request.epoch:
                share.may_sign_from_epoch, raised = request.epoch, raised + 1
        return pb.HoldResponse(raised=raised)

    async def AddShare(self, request: pb.AddShareRequest, _context: Context) -> pb.AddShareResponse:  # noqa: N802
        self._fail()
        self.calls.append("add")
        try:
            decrypt_share(self._key, request.encrypted_share, BlsPublicKey(request.share_pubkey))
        except ProtocolError as error:
            raise RpcRefusal(grpc.StatusCode.INVALID_ARGUMENT, "share_refused", error.detail) from None
        committee = committee_id(OperatorId(member.operator_id) for member in request.committee)
        self.committee_keys[committee] = [member.public_key for member in request.committee]
        added = request.validator_pubkey not in self.shares
        if added:
            self.shares[request.validator_pubkey] = pb.HeldShare(
                validator_pubkey=request.validator_pubkey,
                share_pubkey=request.share_pubkey,
                committee_id=committee,
                may_sign_from_epoch=self.may_sign_from_epoch,
            )
        return pb.AddShareResponse(added=added, may_sign_from_epoch=self.may_sign_from_epoch)

    async def RemoveShare(self, request: pb.RemoveShareRequest, _context: Context) -> pb.RemoveShareResponse:  # noqa: N802
        self._fail()
        self.calls.append("remove")
        return pb.RemoveShareResponse(removed=self.shares.pop(request.validator_pubkey, None) is not None)

    def Sign(self, request_iterator: Any, context: Context) -> Any:  # noqa: N802
        raise NotImplementedError

    async def Watermarks(self, request: Any, context: Context) -> Any:  # noqa: N802
        raise NotImplementedError

    async def ExportSlashing(self, request: Any, context: Context) -> Any:  # noqa: N802
        raise NotImplementedError

    async def ImportSlashing(self, request: Any, context: Context) -> Any:  # noqa: N802
        raise NotImplementedError

    def ExportSlashingHistory(self, request: Any, context: Context) -> Any:  # noqa: N802
        raise NotImplementedError

    async def ImportSlashingHistory(self, request: Any, context: Context) -> Any:  # noqa: N802
        raise NotImplementedError


@asynccontextmanager
async def serving_signer(signer: BorderSigner, settings: GrpcServiceSettings) -> AsyncIterator[int]:
    """Serve with the permissions of callers that bring and list shares; gives the port."""
    add = [lambda server: add_SignerServicer_to_server(signer, server)]
    async with Service("signer") as service, secure_server(settings, service, add, PERMISSIONS) as port:
        yield port
