"""What the operators' processes cost: time until ready, memory."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ssv_devnet.local_network.operators import LocalOperator
from ssv_protocol.types.ids import OperatorId
from ssvctl.supervisor.probe import Readiness


@dataclass(frozen=True, slots=True)
class ProcessFootprint:
    """One process of an operator; `ready_s` is when the last of its services was ready, None if never."""

    operator_id: OperatorId
    process: str
    ready_s: float | None
    rss_mb: float | None


@dataclass(slots=True)
class StartTimes:
    """When each service was first ready, in seconds since this object was made."""

    _begun: float = field(default_factory=time.monotonic)
    _ready_s: dict[tuple[OperatorId, str], float] = field(default_factory=dict)

    def look(self, operator_id: OperatorId, now: Mapping[str, Readiness]) -> None:
        """Note which services are ready."""
        for service, readiness in now.items():
            if readiness.ready:
                self._ready_s.setdefault((operator_id, service), time.monotonic() - self._begun)

    def footprints(self, operators: Mapping[OperatorId, LocalOperator]) -> list[ProcessFootprint]:
        """Return what each process of the operators costs now."""
        return [
            ProcessFootprint(
                operator_id,
                name,
                self._process_ready_s(operator_id, [service.name for service in process.planned.services]),
                resident_mb(process.pid),
            )
            for operator_id, operator in operators.items()
            for name, process in operator.running.processes.items()
        ]

    def _process_ready_s(self, operator_id: OperatorId, services: list[str]) -> float | None:
        times = [self._ready_s.get((operator_id, service)) for service in services]
        known = [each for each in times if each is not None]
        return max(known) if known and len(known) == len(times) else None


def resident_mb(pid: int | None) -> float | None:
    """Return a process's resident memory, None when it is not there."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS:")), None)
