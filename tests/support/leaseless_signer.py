"""A signer's calls about leases, for stand-ins that are not asked for them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from ssv_api.v1 import signer_pb2 as pb
from ssv_api.v1.signer_pb2_grpc import SignerServicer


class LeaselessSigner(SignerServicer):
    """Answers with nothing."""

    async def Claim(self, request: Any, context: Any) -> pb.ClaimResponse:  # noqa: N802
        return pb.ClaimResponse()

    async def Renew(self, request: Any, context: Any) -> pb.RenewResponse:  # noqa: N802
        return pb.RenewResponse()

    async def Release(self, request: Any, context: Any) -> pb.ReleaseResponse:  # noqa: N802
        return pb.ReleaseResponse()

    async def Journal(self, request: Any, context: Any) -> AsyncIterator[pb.JournalEntry]:  # noqa: N802
        return
        yield
