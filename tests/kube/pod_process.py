"""A pod of the operator's image, run as a process of this machine from its manifest.

What the process sees is what a pod would: its command and environment, its ServiceAccount's token where pods have it,
the API server by KUBERNETES_SERVICE_HOST, Services by name (a hosts file instead of a DNS). That is done in a mount
namespace of its own. Not there: an image, a root that can't be written, a network namespace. So that several pods can
listen at the same port each has a loopback address of its own, which SSV_KUBE_HEALTH_HOST tells it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.kube.api import Manifest

_ENTER = """
mount -t tmpfs tmpfs /run
mkdir -p /run/secrets/kubernetes.io
ln -s "$1" /run/secrets/kubernetes.io/serviceaccount
mount --bind "$2" /etc/hosts
shift 2
exec "$@"
"""


@dataclass(frozen=True, slots=True)
class Ground:
    """What all pods of a test share: where the API server is, who vouches for it, and the names of Services."""

    api_url: str
    authority: Path
    hosts: Path


def is_ours(pod: Manifest) -> bool:
    """Return whether a pod is of the operator's image, so that it can be run."""
    command: list[str] = pod["spec"]["containers"][0].get("command", [])
    return command[:2] == ["python", "-m"] and command[2].partition(".")[0] == "ssv_kube"


def start(pod: Manifest, address: str, token: str, ground: Ground, folder: Path) -> subprocess.Popen[bytes]:
    """Start it; its output is in the folder's file `log`."""
    account = folder / "serviceaccount"
    account.mkdir(parents=True, exist_ok=True)
    (account / "token").write_text(token)
    (account / "namespace").write_text(pod["metadata"]["namespace"])
    (account / "ca.crt").write_bytes(ground.authority.read_bytes())
    (container,) = pod["spec"]["containers"]
    server = ground.api_url.removeprefix("https://").partition(":")
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "KUBERNETES_SERVICE_HOST": server[0],
        "KUBERNETES_SERVICE_PORT": server[2],
        **{each["name"]: _value(each, pod) for each in container.get("env", ())},
        "SSV_KUBE_HEALTH_HOST": address,
    }
    enter = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    command = [*container["command"], *container.get("args", ())]
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            [*enter, "sh", "-ec", _ENTER, "pod", account, ground.hosts, *command],
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def _value(variable: dict[str, Any], pod: Manifest) -> str:
    if "value" in variable:
        return str(variable["value"])
    part, _, key = variable["valueFrom"]["fieldRef"]["fieldPath"].partition(".")
    return str(pod[part][key])
