"""SSVNodes to try things with."""

from __future__ import annotations

from typing import Any

from ssv_kube.model.names import API_VERSION, KIND
from ssv_kube.resources.config_maps import NETWORK_KEY
from ssv_protocol.beacon_chain import BeaconChain, BeaconFork, ScheduledFork
from ssv_protocol.forks import Network
from ssv_protocol.networks import HOODI
from ssv_protocol.types.ids import Epoch, ForkVersion, Root
from ssv_runtime.network_file import encode_network
from tests.kube.api import Manifest

NETWORK_MAP = "ssv-network"
NOBODY = "http://127.0.0.1:9"


def a_spec(**changes: Any) -> dict[str, Any]:
    """Return a spec that is taken, with parts of it replaced; None takes a part away."""
    spec: dict[str, Any] = {
        "network": {"name": "hoodi", "configMap": NETWORK_MAP},
        "beacon": {"endpoints": [NOBODY]},
        "execution": {"endpoints": [NOBODY]},
        "operatorKey": {"secretName": "ssv-operator-key"},
        **changes,
    }
    return {key: value for key, value in spec.items() if value is not None}


def a_node(name: str = "ssv", **changes: Any) -> Manifest:
    """Return an SSVNode with such a spec."""
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name}, "spec": a_spec(**changes)}


def a_chain() -> BeaconChain:
    """Return a chain as a beacon node tells of it."""
    return BeaconChain(
        genesis_time_s=1742213400,
        genesis_validators_root=Root(b"\1" * 32),
        slot_duration_s=12.0,
        slots_per_epoch=32,
        epochs_per_sync_committee_period=256,
        sync_committee_size=512,
        forks=(ScheduledFork(next(iter(BeaconFork)), ForkVersion(b"\0\0\0\1"), Epoch(0)),),
    )


def network_map() -> Manifest:
    """Return the ConfigMap with a network file, as `ssvctl network make` would fill it."""
    content = encode_network(Network(HOODI, a_chain())).decode()
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": NETWORK_MAP},
        "data": {NETWORK_KEY: content},
    }


def namespace(name: str) -> Manifest:
    """Return a namespace that takes restricted pods only."""
    labels = {
        "pod-security.kubernetes.io/enforce": "restricted",
        "pod-security.kubernetes.io/enforce-version": "latest",
    }
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
