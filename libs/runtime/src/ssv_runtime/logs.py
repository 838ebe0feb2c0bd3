"""Structured logs, a logger per service: console lines for humans, JSON lines for machines.

Fields: `service`, `trace_id` inside a span, and what the caller binds: duty_id, slot, committee, role, round. info
tells the story of a node with one validator; error means that a human must act.

Invariants: no global configuration of structlog; byte strings are written as hex; tracebacks carry no local variables.
Values under a secret's name and PEM private keys are blanked: a second line of defence, the first is never to log one.

Not guaranteed: a secret under a harmless name is not recognised.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, Final, Literal, TextIO, cast

import structlog
from opentelemetry import trace
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

REDACTED: Final = "[redacted]"
_SECRET_NAME = re.compile(r"password|passphrase|secret|private_?key|priv_?key|mnemonic|seed|credential", re.IGNORECASE)
_PEM_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
_LONGEST_HEX = 56
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def make_logger(
    service: str,
    level: str = "info",
    log_format: Literal["console", "json"] = "console",
    file: TextIO | None = None,
) -> FilteringBoundLogger:
    """Return the logger of `service`, writing to `file` (standard error)."""
    out = file or sys.stderr
    render: list[Processor]
    if log_format == "json":
        render = [structlog.processors.format_exc_info, redact, structlog.processors.JSONRenderer(default=str)]
    else:
        plain = structlog.dev.ConsoleRenderer(colors=out.isatty(), exception_formatter=structlog.dev.plain_traceback)
        render = [structlog.processors.format_exc_info, redact, plain]
    return cast(
        FilteringBoundLogger,
        structlog.wrap_logger(
            structlog.PrintLogger(out),
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                add_trace_id,
                *render,
            ],
            wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
            cache_logger_on_first_use=True,
            service=service,
        ),
    )


def add_trace_id(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Add the trace that the line belongs to, if any."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
    return event


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Blank secrets by name and PEM private keys by shape; write bytes as hex."""
    return {key: _safe(key, value) for key, value in event.items()}


def _safe(key: object, value: Any) -> Any:
    if isinstance(key, str) and _SECRET_NAME.search(key):
        return REDACTED
    if isinstance(value, str):
        return _PEM_KEY.sub(REDACTED, value)
    if isinstance(value, bytes | bytearray | memoryview):
        data = bytes(value)
        if b"PRIVATE KEY-----" in data:
            return REDACTED
        return f"0x{data.hex()}" if len(data) <= _LONGEST_HEX else f"<{len(data)} bytes>"
    if isinstance(value, Mapping):
        return {inner: _safe(inner, each) for inner, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_safe(None, each) for each in value]
    return value


class _Forward(logging.Handler):
    """Writes records of the standard library's logging with a service's logger."""

    def __init__(self, log: FilteringBoundLogger) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._log.log(record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info)
        except Exception:  # by logging's contract a handler never fails its caller
            self.handleError(record)


def route_standard_logging(log: FilteringBoundLogger) -> None:
    """Send warnings of libraries that use the standard library's logging through `log`. Process-wide: for main only."""
    logging.basicConfig(handlers=[_Forward(log)], level=logging.WARNING, force=True)
