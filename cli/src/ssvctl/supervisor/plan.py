"""What is to run, as values: processes, the services in them, their files and ports.

Nothing here starts anything. A plan's order is the order of starting; draining goes the other way round.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

DEFAULT_DRAIN_S = 45.0
"""How long a process may finish what it has begun: a duty ends two slots after its own, at 12 s a slot."""


@dataclass(frozen=True, slots=True)
class PlannedService:
    """A service and how to see whether it is ready.

    Either it writes the port of its health server into `health_port_file` and answers GET /readyz there (200, or 503
    with a JSON object of what it waits for), or it is a nats-server that greets on `greeting_port`.
    """

    name: str
    health_port_file: Path | None = None
    greeting_port: int | None = None


@dataclass(frozen=True, slots=True)
class PlannedProcess:
    """A process: `argv[0]` is a path. `ports` must be free for it.

    `environment` comes on top of the supervisor's, from which SSV_ settings are taken away.
    """

    name: str
    argv: tuple[str, ...]
    log_path: Path
    services: tuple[PlannedService, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[int, ...] = ()
    drain_s: float = DEFAULT_DRAIN_S


@dataclass(frozen=True, slots=True)
class Plan:
    """Processes in the order of their start, and the private files that must be there before (path → content)."""

    processes: tuple[PlannedProcess, ...]
    files: Mapping[Path, str] = field(default_factory=dict)
