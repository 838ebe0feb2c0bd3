"""Traces: one tracer per service, and `traceparent` carried between services.

No global provider: several services in one process keep their own. Spans are made even when nothing exports them, so
that `trace_id` joins the log lines of all services that worked on one duty.

Source: W3C Trace Context.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

TRACEPARENT = "traceparent"
_PROPAGATOR = TraceContextTextMapPropagator()


class Traces:
    """The spans of one service."""

    def __init__(self, service: str, sample_ratio: float = 1.0) -> None:
        self._provider = TracerProvider(
            resource=Resource({"service.name": f"ssv-{service}"}),
            sampler=ParentBasedTraceIdRatio(sample_ratio),
            shutdown_on_exit=False,
        )
        self._tracer = self._provider.get_tracer("ssv")

    def add(self, processor: SpanProcessor) -> None:
        """Hand finished spans to `processor`."""
        self._provider.add_span_processor(processor)

    def export_to(self, endpoint: str) -> None:
        """Send finished spans to the collector at `endpoint`, a URL."""
        self.add(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))

    @contextmanager
    def span(self, name: str, parent: str | None = None) -> Iterator[trace.Span]:
        """Be in a span inside the block: under the traceparent `parent`, else under the current span."""
        with self._tracer.start_as_current_span(name, context=context_of(parent)) as span:
            yield span

    def enter(self, name: str, parent: str | None = None) -> trace.Span:
        """Start a span and be in it for the rest of the running task; the caller ends it.

        For generators, where a block cannot give the context back.
        """
        span = self._tracer.start_span(name, context=context_of(parent))
        otel_context.attach(trace.set_span_in_context(span))
        return span

    def close(self) -> None:
        """Export what is left."""
        self._provider.shutdown()


def current_traceparent() -> str | None:
    """Return the current span as a traceparent; None outside of spans."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get(TRACEPARENT)


def with_traceparent(headers: Mapping[str, str] | None) -> dict[str, str]:
    """Return `headers` and the current span's traceparent."""
    carrier = dict(headers or {})
    _PROPAGATOR.inject(carrier)
    return carrier


def context_of(traceparent: str | None) -> otel_context.Context | None:
    """Return the context that a traceparent names; None (the current one) without."""
    return _PROPAGATOR.extract({TRACEPARENT: traceparent}) if traceparent else None
