"""The calling end of gRPC: mTLS, round robin over replicas, quick reconnects, traces, default deadlines.

A target is "127.0.0.1:9000", several IPv4 addresses with commas between them, or a headless name,
"dns:///ssv-signer:9000". A name that stands for one address would keep all calls at one replica. Whatever the address,
the certificate must carry the DNS name of the service that is expected there.

A replica that dies is left at once; one that hangs without dying is found out by keepalive within about 4 s. Calls that
it has not answered are then made again at another one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
import grpc.aio

from ssv_runtime.rpc.limits import UNARY_DEADLINE_S, client_options, read_tls
from ssv_runtime.service import Service
from ssv_runtime.settings import ServiceSettings
from ssv_runtime.traces import TRACEPARENT, current_traceparent

_KINDS = ("ipv4:", "ipv6:", "dns:")
_UP = (grpc.ChannelConnectivity.READY,)
_DOWN = (grpc.ChannelConnectivity.TRANSIENT_FAILURE, grpc.ChannelConnectivity.SHUTDOWN)


def channel(target: str, settings: ServiceSettings, service: Service, peer: str) -> grpc.aio.Channel:
    """Return a channel to service `peer` at `target`, closed with the service.

    It connects at once and again whenever it is lost; dependency `peer` follows. Calls without a deadline get one of
    10 s, streams none. Calls while it is down fail with UNAVAILABLE.

    Raises:
        SettingsError: a certificate file cannot be read.
    """
    ca, certificate, key = read_tls(settings)
    made = grpc.aio.secure_channel(
        resolvable(target),
        grpc.ssl_channel_credentials(ca, key, certificate),
        options=client_options(peer),
        interceptors=[_UnaryUnary(), _UnaryStream(), _StreamUnary(), _StreamStream()],
    )
    service.resources.push_async_callback(made.close)
    service.spawn(lambda: _follow(made, service, peer, target), f"channel to {peer}", restart=True)
    return made


def resolvable(target: str) -> str:
    """Return a target as gRPC writes it: a list needs its kind, and there is none for names."""
    return f"ipv4:{target}" if "," in target and not target.startswith(_KINDS) else target


async def _follow(followed: grpc.aio.Channel, service: Service, peer: str, target: str) -> None:
    dependency = service.health.dependency(peer)
    while True:
        state = followed.get_state(try_to_connect=True)
        if state in _UP:
            dependency.up()
        elif state in _DOWN:
            dependency.down(
                f"cannot be reached at {target}", f"see whether the {peer} runs and shares our certificate authority"
            )
        await followed.wait_for_state_change(state)


def _traced(details: grpc.aio.ClientCallDetails, deadline_s: float | None = None) -> grpc.aio.ClientCallDetails:
    metadata = grpc.aio.Metadata(*(details.metadata or ()))
    traceparent = current_traceparent()
    if traceparent is not None:
        metadata.add(TRACEPARENT, traceparent)
    timeout = deadline_s if details.timeout is None else details.timeout
    return grpc.aio.ClientCallDetails(details.method, timeout, metadata, details.credentials, details.wait_for_ready)


# grpc.aio sorts an interceptor under the first kind that it is of, so each kind needs its own class.
class _UnaryUnary(grpc.aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(
        self, continuation: Callable[..., Any], client_call_details: grpc.aio.ClientCallDetails, request: Any
    ) -> Any:
        return await continuation(_traced(client_call_details, UNARY_DEADLINE_S), request)


class _UnaryStream(grpc.aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(
        self, continuation: Callable[..., Any], client_call_details: grpc.aio.ClientCallDetails, request: Any
    ) -> Any:
        return await continuation(_traced(client_call_details), request)


class _StreamUnary(grpc.aio.StreamUnaryClientInterceptor):
    async def intercept_stream_unary(
        self, continuation: Callable[..., Any], client_call_details: grpc.aio.ClientCallDetails, request_iterator: Any
    ) -> Any:
        return await continuation(_traced(client_call_details), request_iterator)


class _StreamStream(grpc.aio.StreamStreamClientInterceptor):
    async def intercept_stream_stream(
        self, continuation: Callable[..., Any], client_call_details: grpc.aio.ClientCallDetails, request_iterator: Any
    ) -> Any:
        return await continuation(_traced(client_call_details), request_iterator)
