"""Containers as Kubernetes would start them: what manifests say of them, and the files that they read.

The manifests are the operator's and the chart's own, of the example `single`: a command, a path, a port or a user that
an image does not have shows without a cluster.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import helm_python as helm
import yaml
from scripts.images.contents import ROOT

from ssv_kube.model.spec import SSVNodeSpec
from ssv_kube.resources import mounts
from ssv_kube.resources.images import Images
from ssv_kube.resources.node import Node, Surroundings
from ssv_kube.resources.pods import pod_template
from ssv_kube.resources.settings_files import settings_file
from ssv_protocol.beacon_chain import BeaconChain, BeaconFork, ScheduledFork
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.forks import Network
from ssv_protocol.networks import HOODI
from ssv_protocol.types.ids import Epoch, ForkVersion, Root
from ssv_runtime.certificates import KeyPair, issue, make_ca
from ssv_runtime.network_file import write_network_file
from ssvctl.operator_keys import write_operator_key

OPERATOR = "operator"
_CHART = ROOT / "helm" / "ssv"
_EXAMPLE: dict[str, Any] = yaml.safe_load((_CHART / "examples" / "single.yaml").read_text())
_NAMESPACE = "staking"
_ACCOUNT = "var/run/secrets/kubernetes.io/serviceaccount"
_PASSWORD = "only for this container"


@dataclass(frozen=True, slots=True)
class Container:
    """How a service's container is started. `read_only`: folders with files; `writable`: folders without."""

    service: str
    command: list[str]
    env: dict[str, str]
    health_port: int
    memory: str
    read_only: list[str]
    writable: list[str]

    @classmethod
    def of(cls, service: str) -> Container:
        """Return that of a service of a node, or of the operator."""
        pod = operator_pod() if service == OPERATOR else service_pod(service)
        (container,) = pod["containers"]
        (port,) = [each["containerPort"] for each in container["ports"] if each["name"] == "health"]
        volumes = container["volumeMounts"]
        environment = {each["name"]: each.get("value", _NAMESPACE) for each in container["env"]}
        return cls(
            service,
            [_expanded(each, environment) for each in (*container["command"], *container.get("args", ()))],
            environment,
            port,
            container["resources"]["limits"]["memory"],
            [each["mountPath"] for each in volumes if each.get("readOnly")],
            [each["mountPath"] for each in volumes if not each.get("readOnly")],
        )


def service_pod(service: str) -> dict[str, Any]:
    """Return the pod of a service as the operator makes it."""
    around = Surroundings(Images("ssv", "0", "nats:0"), _NAMESPACE, "{}")
    pod: dict[str, Any] = pod_template(_node(), around, service)["spec"]
    return pod


def operator_pod() -> dict[str, Any]:
    """Return the pod of the operator as the chart makes it."""
    with helm.Chart.load(_CHART) as chart:
        texts = chart.render(_EXAMPLE, name="ssv", namespace=_NAMESPACE)
    manifests = [text for path, text in texts.items() if path.endswith(".yaml")]
    made = [each for text in manifests for each in yaml.safe_load_all(text) if each]
    (deployment,) = [each for each in made if each["kind"] == "Deployment"]
    pod: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return pod


def write_files(root: Path, service: str) -> None:
    """Write what a container reads below `root`, which stands for its root. Keys and passwords are new ones."""
    ca = make_ca(datetime.now(UTC))
    if service == OPERATOR:
        account = {"token": b"none", "ca.crt": ca.certificate, "namespace": _NAMESPACE.encode()}
        _write(root, {f"{_ACCOUNT}/{name}": content for name, content in account.items()})
        return
    command = Container.of(service).command
    settings = {command[command.index("--config") + 1]: settings_file(_node(), service).encode()}
    _write(root, _tls(ca, service) | settings)
    _write(root, {mounts.BUS_PASSWORD_FILE: b"none", mounts.OPERATOR_KEY_PASSWORD_FILE: _PASSWORD.encode()})
    network = _inside(root, mounts.NETWORK_FILE)
    network.parent.mkdir(parents=True)
    write_network_file(network, _network())
    key = _inside(root, mounts.OPERATOR_KEY_FILE)
    write_operator_key(key, OperatorPrivateKey.generate(), _PASSWORD)
    key.chmod(0o444)


def api_server_environment() -> dict[str, str]:
    """Return where the operator looks for its API server: where there is none."""
    return {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "9"}


def account_folder() -> str:
    """Return the folder of the service account, which Kubernetes mounts by itself."""
    return f"/{_ACCOUNT}"


def _expanded(text: str, environment: dict[str, str]) -> str:
    """Return an argument with variables put in, which Kubernetes does."""
    for name, value in environment.items():
        text = text.replace(f"$({name})", value)
    return text


def _tls(ca: KeyPair, service: str) -> dict[str, bytes]:
    pair = issue(ca, service, datetime.now(UTC))
    files = {"ca.crt": ca.certificate, "tls.crt": pair.certificate, "tls.key": pair.private_key}
    return {f"{mounts.TLS_DIR}/{name}": content for name, content in files.items()}


def _write(root: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        path = _inside(root, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _inside(root: Path, path: str) -> Path:
    return root / path.lstrip("/")


def _node() -> Node:
    return Node("ssv", _NAMESPACE, "none", SSVNodeSpec.model_validate(_EXAMPLE["node"]["spec"]))


def _network() -> Network:
    fork = ScheduledFork(BeaconFork.PHASE0, ForkVersion(bytes(4)), Epoch(0))
    chain = BeaconChain(
        genesis_time_s=1,
        genesis_validators_root=Root(bytes(32)),
        slot_duration_s=12.0,
        slots_per_epoch=32,
        epochs_per_sync_committee_period=256,
        sync_committee_size=512,
        forks=(fork,),
    )
    return Network(HOODI, chain)
