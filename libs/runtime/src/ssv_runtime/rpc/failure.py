"""Errors that cross gRPC: a status code, a reason that code can decide by, and a text for humans.

Invariant: what a handler raises by accident reaches the caller as INTERNAL without its text, which may hold a secret.
"""

from __future__ import annotations

from typing import Final

import grpc
import grpc.aio

from ssv_protocol.errors import SsvError

REASON_KEY: Final = "ssv-reason"


class RpcRefusal(SsvError):
    """Raised by a handler to answer with an error."""

    def __init__(self, code: grpc.StatusCode, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.code = code
        self.reason = reason


class RpcFailure(SsvError):
    """A call's failure as its caller sees it: `RpcFailure.of(error)` where grpc.aio.AioRpcError is caught."""

    def __init__(self, code: grpc.StatusCode, reason: str, detail: str) -> None:
        super().__init__(f"{code.name}: {detail}")
        self.code = code
        self.reason = reason
        self.detail = detail

    @classmethod
    def of(cls, error: grpc.aio.AioRpcError) -> RpcFailure:
        """Return the failure that `error` reports; `reason` is empty unless the handler gave one.

        UNAVAILABLE without a reason comes from no handler: there is no connection, and gRPC's text about it is long.
        """
        reason = next((value for key, value in error.trailing_metadata() or () if key == REASON_KEY), "")
        text = reason if isinstance(reason, str) else reason.decode(errors="replace")
        if error.code() == grpc.StatusCode.UNAVAILABLE and not text:
            return cls(error.code(), text, "no connection")
        return cls(error.code(), text, error.details() or error.code().name)
