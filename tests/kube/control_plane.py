"""A real etcd, kube-apiserver and kube-controller-manager on loopback, in a temporary folder.

There is no scheduler and no kubelet: what they would do to pods `kubelet.py` plays.
"""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.kube import assets
from tests.kube.api import Api
from tests.kube.audit import Audit
from tests.kube.credentials import Credentials, make_credentials

PATIENCE_S = 90.0
LOOPBACK = "127.0.0.1"
# pods' addresses are loopback ones, which no endpoint may be; and the only node never says that it lives
NOT_WANTED = ("endpoints", "endpointslice", "endpointslice-mirroring", "node-lifecycle", "taint-eviction")
# who asked for what, without bodies: for tests of rights, and for counting
AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived", "ResponseStarted"],
    "rules": [
        {"level": "Metadata", "userGroups": ["system:serviceaccounts"]},
        {"level": "None"},
    ],
}


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """One that runs. `kubeconfig` is an administrator's."""

    url: str
    api: Api
    credentials: Credentials
    kubeconfig: Path
    audit: Audit
    folder: Path


@contextmanager
def running_control_plane(folder: Path, before_controllers: Callable[[ControlPlane], None]) -> Iterator[ControlPlane]:
    """Start it; it is ready inside of the block, and gone after it. Raises NoAssets, TimeoutError.

    `before_controllers`: is called while there is only an API server. What kinds it brings the garbage collector knows
    from its start; others it finds by looking, every half minute, and until then it leaves their children alone.
    """
    credentials = make_credentials(folder / "credentials")
    etcd, peers, secure, controllers = _free_ports(4)
    url = f"https://{LOOPBACK}:{secure}"
    kubeconfig = credentials.kubeconfig("admin", url)
    audit_log = folder / "audit.log"
    audit_log.touch()
    (folder / "audit.json").write_text(json.dumps(AUDIT_POLICY))
    with ExitStack() as running:
        running.enter_context(_running(folder, "etcd", _etcd(folder, etcd, peers)))
        server = _apiserver(folder, credentials, secure, etcd, audit_log)
        running.enter_context(_running(folder, "kube-apiserver", server))
        api = running.enter_context(Api(url, credentials))
        _wait_until_ready(api, folder)
        plane = ControlPlane(url, api, credentials, kubeconfig, Audit(audit_log), folder)
        before_controllers(plane)
        manager = _controllers(folder, credentials, credentials.kubeconfig("controllers", url), controllers)
        running.enter_context(_running(folder, "kube-controller-manager", manager))
        yield plane


def _etcd(folder: Path, clients: int, peers: int) -> list[str]:
    here, there = f"http://{LOOPBACK}:{clients}", f"http://{LOOPBACK}:{peers}"
    return [
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={here}",
        f"--advertise-client-urls={here}",
        f"--listen-peer-urls={there}",
        f"--initial-advertise-peer-urls={there}",
        f"--initial-cluster=default={there}",
        "--unsafe-no-fsync",
    ]


def _apiserver(folder: Path, credentials: Credentials, port: int, etcd: int, audit_log: Path) -> list[str]:
    return [
        f"--etcd-servers=http://{LOOPBACK}:{etcd}",
        f"--bind-address={LOOPBACK}",
        f"--advertise-address={LOOPBACK}",
        f"--secure-port={port}",
        "--endpoint-reconciler-type=none",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--authorization-mode=RBAC",
        f"--cert-dir={folder / 'apiserver'}",
        f"--client-ca-file={credentials.file('ca.crt')}",
        f"--tls-cert-file={credentials.file('server.crt')}",
        f"--tls-private-key-file={credentials.file('server.key')}",
        f"--service-account-key-file={credentials.file('account.pub')}",
        f"--service-account-signing-key-file={credentials.file('account.key')}",
        f"--service-account-issuer=https://{LOOPBACK}",
        f"--audit-policy-file={folder / 'audit.json'}",
        f"--audit-log-path={audit_log}",
    ]


def _controllers(folder: Path, credentials: Credentials, kubeconfig: Path, port: int) -> list[str]:
    return [
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        f"--bind-address={LOOPBACK}",
        f"--secure-port={port}",
        f"--cert-dir={folder / 'controllers'}",
        f"--service-account-private-key-file={credentials.file('account.key')}",
        f"--root-ca-file={credentials.file('ca.crt')}",
        "--leader-elect=false",
        f"--controllers=*,{','.join(f'-{each}-controller' for each in NOT_WANTED)}",
        "--kube-api-qps=200",
        "--kube-api-burst=400",
        "--concurrent-statefulset-syncs=10",
    ]


@contextmanager
def _running(folder: Path, name: str, arguments: Sequence[str]) -> Iterator[None]:
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen([assets.program(name), *arguments], stdout=log, stderr=log, cwd=folder)
        try:
            yield
        finally:
            process.kill()  # nothing in it is of use to anybody any more
            process.wait()


def _wait_until_ready(api: Api, folder: Path) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up:
        if api.is_ready():
            return
        time.sleep(0.2)
    raise TimeoutError(f"no kube-apiserver: {(folder / 'kube-apiserver.log').read_text()[-3000:]}")


def _free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return [each.getsockname()[1] for each in sockets]
