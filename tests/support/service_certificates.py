"""A certificate authority and certificates for services in one folder, as `ssvctl certs make` lays them out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from ssv_runtime.certificates import issue, make_ca


def write_certificates(folder: Path, services: Iterable[str]) -> Path:
    """Write ca.pem, <service>.pem and <service>.key; return the folder."""
    now = datetime.now(UTC)
    ca = make_ca(now)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ca.pem").write_bytes(ca.certificate)
    for service in services:
        pair = issue(ca, service, now)
        (folder / f"{service}.pem").write_bytes(pair.certificate)
        (folder / f"{service}.key").write_bytes(pair.private_key)
    return folder


def tls_settings(folder: Path, service: str) -> dict[str, Path]:
    """The three settings of `service`."""
    return {
        "tls_ca": folder / "ca.pem",
        "tls_cert": folder / f"{service}.pem",
        "tls_key": folder / f"{service}.key",
    }
