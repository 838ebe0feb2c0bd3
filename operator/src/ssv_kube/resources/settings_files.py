"""The settings file of each service, made of the spec: keys are the services' own.

Invariant: no secret is in one, only the paths of files with them. A file holds what its service knows and no more, so
that a change rolls only the pods that it concerns.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ssv_kube.resources import mounts
from ssv_kube.resources.node import Node
from ssv_kube.resources.objects import child_name
from ssv_kube.resources.ports import DISCOVERY, DRAIN_S, GRPC, HEALTH, NATS_CLIENTS, P2P
from ssv_kube.resources.sizing import NATS, replicas
from ssv_runtime.names import CONSENSUS, DUTY_SCHEDULER, ETH1_LISTENER, P2P_GATEWAY, SIGNER
from ssv_runtime.nats_permissions import PERMISSIONS
from ssv_runtime.toml import encode_toml

_ANYWHERE = "0.0.0.0"  # noqa: S104  # inside of a pod; network policies say who gets there


def settings_file(node: Node, service: str, announced: Mapping[str, Any] | None = None) -> str:
    """Return a service's settings as TOML. `announced`: a gateway's own (`announcements`)."""
    of_one = dict(announced or {}) if node.spec.p2p.discovery else {}
    return encode_toml({**_common(node), **_bus(node, service), **_own(node, service), **of_one})


def target(node: Node, service: str) -> str:
    """Return the gRPC target of a service: a headless name, so that clients see every pod and choose themselves."""
    return f"dns:///{child_name(node, service)}:{GRPC}"


def nats_servers(node: Node) -> list[str]:
    """Return the host names of the own NATS servers, as clients and other servers dial them."""
    name = child_name(node, NATS)
    return [f"{name}-{ordinal}.{name}" for ordinal in range(replicas(node, NATS))]


def _common(node: Node) -> dict[str, Any]:
    return {
        "network_file": mounts.NETWORK_FILE,
        "tls_ca": f"{mounts.TLS_DIR}/ca.crt",
        "tls_cert": f"{mounts.TLS_DIR}/tls.crt",
        "tls_key": f"{mounts.TLS_DIR}/tls.key",
        "health_host": _ANYWHERE,
        "health_port": HEALTH,
        "log_level": node.spec.log_level,
        "log_format": "json",
        "drain_s": DRAIN_S,
        "otlp_endpoint": node.spec.monitoring.otlp_endpoint,
        "trace_sample_ratio": node.spec.monitoring.trace_sample_ratio,
    }


def _bus(node: Node, service: str) -> dict[str, Any]:
    if service not in PERMISSIONS:
        return {}
    external = node.spec.nats.external
    own = ",".join(f"nats://{host}:{NATS_CLIENTS}" for host in nats_servers(node))
    return {
        "nats_url": own if external is None else external.url,
        "nats_user": service,
        "nats_password_file": mounts.BUS_PASSWORD_FILE,
        "nats_tls": external is None,
        "nats_ca": mounts.BUS_CA_FILE if external is not None and external.ca_key is not None else None,
        "nats_replicas": replicas(node, NATS) if external is None else external.replicas,
    }


def _own(node: Node, service: str) -> dict[str, Any]:
    spec = node.spec
    served = {"grpc_host": _ANYWHERE, "grpc_port": GRPC}
    called = {"signer_target": target(node, SIGNER), "registry_target": target(node, ETH1_LISTENER)}
    if service == SIGNER:
        return served | _signer(node)
    if service == ETH1_LISTENER:
        return served | {
            "signer_target": called["signer_target"],
            "execution_urls": spec.execution.endpoints,
            "follow_distance": spec.execution.follow_distance,
            "finalized_only": spec.execution.finalized_only,
            "registry_db": f"{mounts.DATA_DIR}/registry.sqlite",
        }
    if service == P2P_GATEWAY:
        return served | {
            "registry_target": called["registry_target"],
            "data_dir": mounts.DATA_DIR,
            "listen_addr": f"/ip4/{_ANYWHERE}/tcp/{P2P}",
            "static_peers": spec.p2p.static_peers,
            "gateways": replicas(node, P2P_GATEWAY),
            "max_peers": spec.p2p.max_peers,
            **_discovery(node),
        }
    if service == DUTY_SCHEDULER:
        return called | {
            "beacon_urls": spec.beacon.endpoints,
            "builder_registrations": spec.builder.enabled,
            "doppelganger_protection": spec.doppelganger_protection,
            "on_slashing": spec.on_slashing,
        }
    if service == CONSENSUS:
        return called | {
            "beacon_urls": spec.beacon.endpoints,
            "same_roots": spec.same_roots,
            "graffiti": spec.graffiti,
            "gas_limit": spec.gas_limit,
            "builder_boost_percent": spec.builder.boost_percent if spec.builder.enabled else 0,
            "proposer_delay_s": spec.proposer_delay_ms / 1000,
            "unsafe_proposer_delay": spec.allow_unsafe_proposer_delay,
        }
    raise ValueError(f"no settings are known for {service}")


def _discovery(node: Node) -> dict[str, Any]:
    p2p = node.spec.p2p
    if not p2p.discovery:
        return {"discovery": False}
    return {
        "discovery": True,
        "discovery_addr": f"/ip4/{_ANYWHERE}/udp/{DISCOVERY}",
        "discovery_legacy": p2p.discovery_legacy,
        "bootnodes": p2p.bootnodes,
    }


def _signer(node: Node) -> dict[str, Any]:
    signer = node.spec.signer
    key = {
        "keep_history": signer.keep_history,
        "cold_start": signer.cold_start,
        "operator_key_file": mounts.OPERATOR_KEY_FILE,
        "operator_key_password_file": (
            mounts.OPERATOR_KEY_PASSWORD_FILE if node.spec.operator_key.password_key else None
        ),
    }
    if signer.database is None:
        return key | {"store": "sqlite", "data_dir": f"{mounts.DATA_DIR}/signer"}
    replicated = signer.database.replicated
    return key | {"store": "postgres", "postgres_dsn_file": mounts.DSN_FILE, "postgres_replicated": replicated}
