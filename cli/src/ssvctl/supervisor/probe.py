"""Looks whether a service is ready, and what it waits for."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from ssvctl.supervisor.plan import PlannedService
from ssvctl.supervisor.ports import LOOPBACK

_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class Readiness:
    """`waits_for` says for each missing thing why; empty and not ready: the service does not answer yet."""

    ready: bool
    waits_for: tuple[tuple[str, str], ...] = ()

    def text(self) -> str:
        """Return one line for a human."""
        if self.ready:
            return "ready"
        if not self.waits_for:
            return "does not answer yet"
        return "waits for " + "; ".join(f"{name}: {reason}" for name, reason in self.waits_for)


SILENT = Readiness(False)


def read_health_url(path: Path | None) -> str | None:
    """Return the address of the health server whose port is in `path`; None while there is none."""
    try:
        return None if path is None else f"http://{LOOPBACK}:{int(path.read_text())}"
    except (OSError, ValueError):
        return None


async def look(service: PlannedService, http: aiohttp.ClientSession) -> Readiness:
    """Ask the service; whatever goes wrong means that it does not answer."""
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            if service.greeting_port is not None:
                return await _greeted(service.greeting_port)
            url = read_health_url(service.health_port_file)
            return SILENT if url is None else await _readyz(url, http)
    except (OSError, TimeoutError, ValueError, aiohttp.ClientError):
        return SILENT


async def _readyz(url: str, http: aiohttp.ClientSession) -> Readiness:
    async with http.get(f"{url}/readyz") as answer:
        if answer.status == 200:
            return Readiness(True)
        reasons = json.loads(await answer.text())
    if not isinstance(reasons, dict):
        return SILENT
    return Readiness(False, tuple((str(name), str(reason)) for name, reason in reasons.items()))


async def _greeted(port: int) -> Readiness:
    """nats-server speaks first: INFO and its options in JSON."""
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    try:
        greeting = await reader.readline()
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    if not greeting.startswith(b"INFO "):
        return SILENT
    if json.loads(greeting.removeprefix(b"INFO ")).get("jetstream") is not True:
        return Readiness(False, (("jetstream", "not started; look into the log"),))
    return Readiness(True)
