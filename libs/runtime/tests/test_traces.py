from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from libs.runtime.tests.conftest import PATIENCE_S, Lines, StartNats, a_service, settings_of
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from ssv_api.v1 import registry_pb2
from ssv_api.v1.registry_pb2_grpc import RegistryServicer, RegistryStub, add_RegistryServicer_to_server
from ssv_runtime.bus import Bus, Message
from ssv_runtime.rpc import Permissions, channel, secure_server
from ssv_runtime.service import Service
from ssv_runtime.traces import current_traceparent

pytestmark = pytest.mark.asyncio


def spans_of(service: Service) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    service.traces.add(SimpleSpanProcessor(exporter))
    return exporter


def trace_of(span: ReadableSpan) -> int:
    context = span.get_span_context()
    assert context is not None
    return context.trace_id


async def test_one_trace_from_the_bus_through_a_stream_of_grpc(certificates: Path, start_nats: StartNats) -> None:
    """A gateway's message is handled by a worker, which asks the registry: three services, one trace."""
    url = start_nats().url
    lines = Lines()
    async with (
        asyncio.timeout(PATIENCE_S),
        a_service("p2p-gateway") as gateway,
        a_service("consensus") as worker,
        a_service("eth1-listener", lines) as listener,
    ):

        class Registry(RegistryServicer):
            async def Watch(self, request: Any, context: Any) -> AsyncIterator[registry_pb2.RegistryUpdate]:  # noqa: N802
                listener.log.info("asked")
                yield registry_pb2.RegistryUpdate(block_number=5)

        add = [lambda server: add_RegistryServicer_to_server(Registry(), server)]
        permissions = Permissions({"ssv.v1.Registry/Watch": ["consensus"]})
        worker_settings = settings_of(certificates, "consensus", nats_url=url)
        worker_spans, listener_spans = spans_of(worker), spans_of(listener)
        async with secure_server(settings_of(certificates, "eth1-listener"), listener, add, permissions) as port:
            stub: Any = RegistryStub(channel(f"127.0.0.1:{port}", worker_settings, worker, "eth1-listener"))
            seen: asyncio.Queue[int] = asyncio.Queue()

            async def handle(_message: Message) -> None:
                async for update in stub.Watch(registry_pb2.WatchRequest(), wait_for_ready=True):
                    seen.put_nowait(update.block_number)

            worker_bus = await Bus.connect(worker_settings, worker)
            gateway_bus = await Bus.connect(settings_of(certificates, "p2p-gateway", nats_url=url), gateway)
            await worker_bus.connected()
            await gateway_bus.connected()
            await worker_bus.subscribe("ssv.gossip.in.*", handle)
            with gateway.traces.span("received") as received:
                await gateway_bus.publish("ssv.gossip.in.c1", b"message")
            assert await seen.get() == 5
        expected = received.get_span_context().trace_id
        assert [trace_of(span) for span in listener_spans.get_finished_spans()] == [expected]
        while not worker_spans.get_finished_spans():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert [trace_of(span) for span in worker_spans.get_finished_spans()] == [expected]
        asked = next(line for line in lines.events() if line["event"] == "asked")
        assert asked["trace_id"] == f"{expected:032x}"


async def test_two_services_in_one_process_keep_their_spans_apart() -> None:
    async with a_service("signer") as signer, a_service("consensus") as consensus:
        signer_spans, consensus_spans = spans_of(signer), spans_of(consensus)
        with signer.traces.span("sign"):
            assert current_traceparent() is not None
        assert current_traceparent() is None
        assert [span.name for span in signer_spans.get_finished_spans()] == ["sign"]
        assert consensus_spans.get_finished_spans() == ()
