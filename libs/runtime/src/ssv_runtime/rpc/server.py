"""The serving end of gRPC: mTLS, permissions, traces, errors.

Invariants: without a certificate of our authority no connection is made; before any handler runs, the caller's
permission is checked, for streams as for single calls; each call that is refused is one warning that says whose it was
and why.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio

from ssv_runtime.rpc.failure import REASON_KEY, RpcRefusal
from ssv_runtime.rpc.limits import SERVER_OPTIONS, read_tls
from ssv_runtime.rpc.permissions import Permissions, caller_in
from ssv_runtime.service import Service, write_port
from ssv_runtime.settings import GrpcServiceSettings, SettingsError
from ssv_runtime.traces import TRACEPARENT

AddServicer = Callable[[grpc.aio.Server], None]
"""`lambda server: add_SignerServicer_to_server(servicer, server)`."""

_GRACE_S = 1.0
_Context = grpc.aio.ServicerContext[Any, Any]


def caller_of(context: _Context) -> str:
    """Return the service that calls; inside a handler the permission check has found one."""
    return caller_in(context.auth_context()) or ""


@asynccontextmanager
async def secure_server(
    settings: GrpcServiceSettings, service: Service, servicers: Sequence[AddServicer], permissions: Permissions
) -> AsyncIterator[int]:
    """Serve inside the block; gives the port, which is also written to `grpc_port_file`.

    Leaving refuses new calls and gives running ones a second to end.

    Raises:
        SettingsError: the certificate or the address cannot be used.
    """
    ca, certificate, key = read_tls(settings)
    server = grpc.aio.server(interceptors=[_Gate(service, permissions)], options=SERVER_OPTIONS)
    for add in servicers:
        add(server)
    try:
        credentials = grpc.ssl_server_credentials([(key, certificate)], ca, require_client_auth=True)
        port = server.add_secure_port(f"{settings.grpc_host}:{settings.grpc_port}", credentials)
    except RuntimeError:
        raise SettingsError(f"grpc_port: cannot listen on {settings.grpc_host}:{settings.grpc_port}") from None
    await server.start()
    write_port(settings.grpc_port_file, port)
    service.log.info("serving gRPC", grpc_port=port)
    try:
        yield port
    finally:
        await server.stop(_GRACE_S)


class _Gate(grpc.aio.ServerInterceptor):
    """Stands before every handler."""

    def __init__(self, service: Service, permissions: Permissions) -> None:
        self._service = service
        self._permissions = permissions
        self._handled = service.metrics.counter("rpc_handled", "Calls answered", ["method", "code"])

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Return the handler with the gate before it."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        method = handler_call_details.method
        codecs = (handler.request_deserializer, handler.response_serializer)
        make: Callable[..., grpc.RpcMethodHandler[Any, Any]]
        if handler.response_streaming:
            streams: Any = handler.stream_stream if handler.request_streaming else handler.unary_stream
            make = grpc.stream_stream_rpc_method_handler if handler.request_streaming else (
                grpc.unary_stream_rpc_method_handler
            )  # fmt: skip
            return make(self._stream(method, streams), *codecs)
        answers: Any = handler.stream_unary if handler.request_streaming else handler.unary_unary
        make = grpc.stream_unary_rpc_method_handler if handler.request_streaming else (
            grpc.unary_unary_rpc_method_handler
        )  # fmt: skip
        return make(self._single(method, answers), *codecs)

    def _single(self, method: str, behaviour: Callable[[Any, _Context], Awaitable[Any]]) -> Callable[..., Any]:
        async def answer(request: Any, context: _Context) -> Any:
            await self._check(method, context)
            with self._service.traces.span(method, _traceparent(context)):
                try:
                    response = await behaviour(request, context)
                except Exception as error:
                    await self._abort(method, context, error)
                self._handled.labels(method, "OK").inc()
                return response

        return answer

    def _stream(self, method: str, behaviour: Callable[[Any, _Context], Any]) -> Callable[..., Any]:
        async def answer(request: Any, context: _Context) -> AsyncIterator[Any]:
            await self._check(method, context)
            span = self._service.traces.enter(method, _traceparent(context))
            try:
                responses = behaviour(request, context)
                if hasattr(responses, "__aiter__"):
                    async for response in responses:
                        yield response
                else:  # a coroutine, which writes by itself
                    await responses
                self._handled.labels(method, "OK").inc()
            except Exception as error:
                await self._abort(method, context, error)
            finally:
                span.end()

        return answer

    async def _check(self, method: str, context: _Context) -> None:
        caller = caller_in(context.auth_context())
        refusal = self._permissions.refusal(caller, method)
        if refusal is not None:
            self._service.log.warning("refused a call", method=method, caller=caller or "unnamed", problem=refusal)
            self._handled.labels(method, grpc.StatusCode.PERMISSION_DENIED.name).inc()
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, refusal)

    async def _abort(self, method: str, context: _Context, error: Exception) -> None:
        if isinstance(error, grpc.aio.AbortError):  # the handler has aborted by itself
            raise error
        if isinstance(error, RpcRefusal):
            self._handled.labels(method, error.code.name).inc()
            caller = caller_of(context)
            self._service.log.warning(
                "refused a call", method=method, caller=caller, reason=error.reason, problem=str(error)
            )
            await context.abort(error.code, str(error), ((REASON_KEY, error.reason),))
        self._handled.labels(method, grpc.StatusCode.INTERNAL.name).inc()
        self._service.log.error("a call failed", method=method, exc_info=error)
        await context.abort(grpc.StatusCode.INTERNAL, f"{self._service.name} failed; its log says why")


def _traceparent(context: _Context) -> str | None:
    value = next((value for key, value in context.invocation_metadata() or () if key == TRACEPARENT), None)
    return value.decode(errors="replace") if isinstance(value, bytes) else value
