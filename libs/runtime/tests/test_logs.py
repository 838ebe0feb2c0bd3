from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from io import StringIO
from typing import Any, Literal

import pytest
from libs.runtime.tests.conftest import Lines
from structlog.typing import FilteringBoundLogger

from ssv_runtime.certificates import make_ca
from ssv_runtime.logs import REDACTED, make_logger, route_standard_logging

SECRET = "correct horse battery staple"
FORMATS: tuple[Literal["console", "json"], ...] = ("console", "json")


@pytest.mark.parametrize("log_format", FORMATS)
@pytest.mark.parametrize(
    "fields",
    [
        {"password": SECRET},
        {"nats_password": SECRET},
        {"share_secret": SECRET.encode()},
        {"operator": {"private_key": SECRET}},
        {"keys": [{"secret": SECRET}]},
        {"PrivateKey": SECRET},
    ],
)
def test_values_under_a_secrets_name_are_blanked(
    log_format: Literal["console", "json"], fields: dict[str, Any]
) -> None:
    out = Lines()
    make_logger("signer", "info", log_format, out).info("made", **fields)
    assert SECRET not in out.getvalue()
    assert SECRET.encode().hex() not in out.getvalue()
    assert REDACTED in out.getvalue()


def _as_field(log: FilteringBoundLogger, pem: bytes) -> None:
    log.info("made", content=pem.decode())


def _as_bytes(log: FilteringBoundLogger, pem: bytes) -> None:
    log.info("made", content=pem)


def _as_event(log: FilteringBoundLogger, pem: bytes) -> None:
    log.info(f"made {pem.decode()}")


def _as_exception(log: FilteringBoundLogger, pem: bytes) -> None:
    try:
        raise ValueError(pem.decode())
    except ValueError:
        log.exception("failed")


def _as_local_variable(log: FilteringBoundLogger, pem: bytes) -> None:
    secret = pem.decode()
    try:
        raise ValueError(len(secret))
    except ValueError:
        log.exception("failed")


@pytest.mark.parametrize("log_format", FORMATS)
@pytest.mark.parametrize("write", [_as_field, _as_bytes, _as_event, _as_exception, _as_local_variable])
def test_private_keys_are_blanked_wherever_they_are(
    log_format: Literal["console", "json"], write: Callable[[FilteringBoundLogger, bytes], None]
) -> None:
    pem = make_ca(datetime.now(UTC)).private_key
    out = Lines()
    write(make_logger("signer", "info", log_format, out), pem)
    assert out.getvalue()
    for line in pem.decode().splitlines()[1:-1]:
        assert line not in out.getvalue()


def test_json_lines_carry_level_service_time_and_bound_fields() -> None:
    out = Lines()
    log = make_logger("consensus", "info", "json", out).bind(duty_id="committee-7-0011aabb", slot=7)
    log.warning("late", committee=bytes.fromhex("0011aabb"), root=bytes(64))
    log.debug("not shown")
    line = json.loads(out.getvalue())
    assert (line["event"], line["level"], line["service"]) == ("late", "warning", "consensus")
    assert (line["duty_id"], line["slot"], line["committee"]) == ("committee-7-0011aabb", 7, "0x0011aabb")
    assert line["root"] == "<64 bytes>"
    assert datetime.fromisoformat(line["timestamp"]).tzinfo is not None


def test_two_loggers_keep_their_levels_and_places() -> None:
    one, other = Lines(), Lines()
    make_logger("signer", "error", "json", one).info("quiet")
    make_logger("consensus", "debug", "json", other).debug("loud")
    assert one.getvalue() == ""
    assert json.loads(other.getvalue())["service"] == "consensus"


def test_a_library_never_fails_because_its_line_cannot_be_written() -> None:
    gone = StringIO()
    log = make_logger("signer", file=gone)
    gone.close()
    before = logging.getLogger().handlers[:]
    try:
        route_standard_logging(log)
        logging.getLogger("some.library").warning("its node does not answer")
    finally:
        logging.basicConfig(handlers=before, force=True)
