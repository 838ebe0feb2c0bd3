"""The services installed beside this command line, found by their entry points: none is imported here."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

from ssvctl.errors import SsvctlError

GROUP = "ssv.services"


def entry_point_of(service: str) -> EntryPoint:
    """Return where a service's ServiceSpec is; raises SsvctlError when it is not installed."""
    found = entry_points(group=GROUP, name=service)
    if not found:
        raise SsvctlError(f"service {service} is not installed; install the package ssv-{service}")
    return next(iter(found))


def module_of(service: str) -> str:
    """Return the module to run a service by, `python -m <module>`; raises SsvctlError."""
    return entry_point_of(service).module.rpartition(".")[0]
