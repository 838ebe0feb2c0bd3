"""The settings of all services of an embedded operator, made from what the operator says and the ports chosen.

Keys are the services' own: top-level ones are for all, a table is for the service of its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ssv_runtime.names import CONSENSUS, DUTY_SCHEDULER, ETH1_LISTENER, P2P_GATEWAY, SIGNER
from ssvctl.embedded.folder import OperatorFolder
from ssvctl.embedded.settings import OperatorSettings
from ssvctl.operator_certificates import CertificateFolder
from ssvctl.supervisor.ports import LOOPBACK


@dataclass(frozen=True, slots=True)
class OperatorPorts:
    """Where the parts of one operator listen; all but `p2p` on loopback."""

    nats: int
    signer: int
    registry: int
    gateway: int
    p2p: int


def service_settings(
    folder: OperatorFolder, certificates: CertificateFolder, settings: OperatorSettings, ports: OperatorPorts
) -> dict[str, Any]:
    """Return the content of the services' settings file: the operator's own tables win over what is made here."""
    signer, registry = f"{LOOPBACK}:{ports.signer}", f"{LOOPBACK}:{ports.registry}"
    beacon_urls = list(settings.beacon_urls)
    tables: dict[str, dict[str, Any]] = {
        SIGNER: {
            "grpc_port": ports.signer,
            "data_dir": folder.data / "signer",
            "cold_start": "trust-disk",  # one machine and its disk; a worker that knows better is still believed
            "operator_key_file": settings.operator_key_file.absolute(),
            "operator_key_password_file": _absolute(settings.operator_key_password_file),
        },
        P2P_GATEWAY: {
            "grpc_port": ports.gateway,
            "registry_target": registry,
            "listen_addr": _multiaddr(settings.p2p_listen_host, ports.p2p),
            "listen_addr_file": folder.p2p_address_file,
            "static_peers_file": _absolute(settings.p2p_peers_file),
            "data_dir": folder.data / "gateway",
        },
        ETH1_LISTENER: {
            "grpc_port": ports.registry,
            "signer_target": signer,
            "execution_urls": list(settings.execution_urls),
            "registry_db": folder.registry_database,
        },
        DUTY_SCHEDULER: {
            "signer_target": signer,
            "registry_target": registry,
            "beacon_urls": beacon_urls,
            "builder_registrations": settings.builder_registrations,
            "doppelganger_protection": settings.doppelganger_protection,
        },
        CONSENSUS: {
            "signer_target": signer,
            "registry_target": registry,
            "beacon_urls": beacon_urls,
            "graffiti": settings.graffiti,
            "builder_boost_percent": settings.builder_boost_percent,
            "gas_limit": settings.gas_limit,
        },
    }
    for service, table in tables.items():
        table["tls_cert"] = certificates.certificate(service)
        table["tls_key"] = certificates.key(service)
        table["health_port_file"] = folder.health_port_file(service)
        if (password_file := certificates.nats_password(service)) is not None:
            table |= {"nats_user": service, "nats_password_file": password_file}
    return {
        "network_file": (settings.network_file or folder.network_file).absolute(),
        "nats_url": f"nats://{LOOPBACK}:{ports.nats}",
        "tls_ca": certificates.ca,
        "log_level": settings.log_level,
        "log_format": settings.log_format,
        "drain_s": settings.drain_s,
        **{service: {**table, **settings.services.get(service, {})} for service, table in tables.items()},
    }


def _absolute(path: Path | None) -> Path | None:
    return None if path is None else path.absolute()


def _multiaddr(host: str, port: int) -> str:
    return f"/{'ip6' if ':' in host else 'ip4'}/{host}/tcp/{port}"
