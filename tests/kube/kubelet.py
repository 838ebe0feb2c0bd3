"""The scheduler's and the kubelet's part, played: every pod is given an address, started, and said to be ready.

Pods of the operator's image are real processes (`pod_process`): operators, and the chart's hooks. Pods of a node are
played: their health is served at their addresses and says what a test has set. Everything between, such as pods made
for a StatefulSet, or its status, is the real controller manager's doing.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ssv_kube.resources.objects import COMPONENT, INSTANCE
from ssv_kube.resources.ports import OPERATOR_HEALTH
from tests.kube import pod_process
from tests.kube.api import Api, Manifest, Refused
from tests.kube.pod_health import Played, PodHealth
from tests.kube.pod_process import Ground

NODE = "played"
_LOOK_S = 0.1
_SINCE = "2026-01-01T00:00:00Z"


@dataclass
class Running:
    """A pod that was started."""

    pod: Manifest
    address: str
    folder: Path
    process: subprocess.Popen[bytes] | None = None
    restarts: int = 0
    said: tuple[Any, ...] = ()
    stopping: bool = field(default=False)


class Kubelet:
    """Looks after all pods of the cluster, in a thread, until it is stopped."""

    def __init__(self, api: Api, ground: Ground, folder: Path) -> None:
        self._api = api
        self._ground = ground
        self._folder = folder
        self._health = PodHealth()
        self._played: dict[tuple[str, str, str], Played] = {}
        self._running: dict[str, Running] = {}
        block = f"127.{100 + os.getpid() % 100}"  # so that two runs do not meet
        self._addresses = (f"{block}.{high}.{low}" for high, low in itertools.product(range(256), range(1, 255)))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kubelet", daemon=True)
        self.failures: list[str] = []

    def start(self) -> None:
        """Begin."""
        ready = {"type": "Ready", "status": "True", "reason": "Played", "message": "", "lastTransitionTime": _SINCE}
        self._api.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}})
        self._api.change_status("Node", None, NODE, {"conditions": [ready]})
        self._thread.start()

    def stop(self) -> None:
        """End every pod."""
        self._stop.set()
        self._thread.join()
        for each in self._running.values():
            self._end(each)
        self._health.end()

    def plays(self, namespace: str, node: str, service: str) -> Played:
        """Return what the pods of a node's service say; a test changes it."""
        return self._played.setdefault((namespace, node, service), Played())

    def processes(self, namespace: str, pod_prefix: str) -> dict[str, subprocess.Popen[bytes]]:
        """Return the living processes of pods, by the pod's name."""
        return {
            each.pod["metadata"]["name"]: each.process
            for each in list(self._running.values())
            if each.process is not None
            and each.process.poll() is None
            and each.pod["metadata"]["namespace"] == namespace
            and each.pod["metadata"]["name"].startswith(pod_prefix)
        }

    def freeze(self, namespace: str, pod: str) -> None:
        """Stop a pod's process where it is: to all others it is gone."""
        self.processes(namespace, pod)[pod].send_signal(signal.SIGSTOP)

    def thaw(self, namespace: str, pod: str) -> None:
        """Let it go on."""
        self.processes(namespace, pod)[pod].send_signal(signal.SIGCONT)

    def logs(self, namespace: str, pod_prefix: str) -> str:
        """Return what pods have written, of those that are gone too."""
        files = sorted(self._folder.glob(f"{namespace}.{pod_prefix}*/log"), key=lambda file: file.stat().st_mtime)
        return "\n".join(file.read_text() for file in files)

    def _run(self) -> None:
        took_s = 0.0
        while not self._stop.wait(max(_LOOK_S, took_s)):  # with many pods half of a core is enough
            begun_s = time.monotonic()
            try:
                self._look()
            except Refused as refused:
                self.failures.append(str(refused))
            took_s = time.monotonic() - begun_s

    def _look(self) -> None:
        pods = {each["metadata"]["uid"]: each for each in self._api.find("Pod")}
        for uid in self._running.keys() - pods.keys():
            self._end(self._running.pop(uid))
        for uid, pod in pods.items():
            with contextlib.suppress(_Gone):
                self._look_after(uid, pod)
        self._write_hosts(pods)

    def _look_after(self, uid: str, pod: Manifest) -> None:
        running = self._running.get(uid)
        leaving = "deletionTimestamp" in pod["metadata"]
        if running is None and not leaving and pod.get("status", {}).get("phase") in ("Pending", None):
            running = self._running[uid] = self._begin(pod)
        if running is None:
            if leaving:
                self._forget(pod)
            return
        running.pod = pod
        if leaving:
            self._leave(uid, running)
            return
        self._restart(running)
        self._say(running)

    def _begin(self, pod: Manifest) -> Running:
        place, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
        folder = self._folder / f"{place}.{name}.{pod['metadata']['uid'][:8]}"
        folder.mkdir(parents=True)
        running = Running(pod, next(self._addresses), folder)
        if not pod["spec"].get("nodeName"):
            binding = {"target": {"apiVersion": "v1", "kind": "Node", "name": NODE}}
            body = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name}, **binding}
            with _gone_is_fine():
                self._api.bind(place, name, body)
        if pod_process.is_ours(pod):
            self._launch(running)
        else:
            labels = pod["metadata"].get("labels", {})
            played = self.plays(place, labels.get(INSTANCE, ""), labels.get(COMPONENT, ""))
            self._health.open(running.address, lambda: played)
        return running

    def _launch(self, running: Running) -> None:
        pod = running.pod
        with _gone_is_fine():
            token = self._api.token(pod["metadata"]["namespace"], pod["spec"]["serviceAccountName"])
        running.process = pod_process.start(pod, running.address, token, self._ground, running.folder)

    def _restart(self, running: Running) -> None:
        over = running.process is not None and running.process.poll() is not None
        if over and running.pod["spec"]["restartPolicy"] == "Always":
            running.restarts += 1
            self._launch(running)

    def _leave(self, uid: str, running: Running) -> None:
        if running.process is not None and running.process.poll() is None:
            if not running.stopping:
                running.process.terminate()
                running.stopping = True
            return  # looked at again, until it has ended
        self._end(self._running.pop(uid))
        self._forget(running.pod)

    def _forget(self, pod: Manifest) -> None:
        with _gone_is_fine():
            self._api.delete("Pod", pod["metadata"]["namespace"], pod["metadata"]["name"], now=True)

    def _end(self, running: Running) -> None:
        self._health.close(running.address)
        if running.process is not None and running.process.poll() is None:
            running.process.terminate()
            try:
                running.process.wait(10)
            except subprocess.TimeoutExpired:
                running.process.kill()
                running.process.wait()

    def _say(self, running: Running) -> None:
        phase, is_ready = self._state(running)
        said = (phase, is_ready, running.restarts)
        if running.said == said:
            return
        state: dict[str, Any] = {"running": {"startedAt": _SINCE}}
        if phase in ("Succeeded", "Failed") and running.process is not None:
            code = running.process.returncode
            state = {"terminated": {"exitCode": code, "startedAt": _SINCE, "finishedAt": _SINCE}}
        container = running.pod["spec"]["containers"][0]
        condition = {"status": "True" if is_ready else "False", "lastTransitionTime": _SINCE}
        status = {
            "phase": phase,
            "podIP": running.address,
            "podIPs": [{"ip": running.address}],
            "conditions": [{"type": kind, **condition} for kind in ("Ready", "ContainersReady")]
            + [{"type": kind, **condition, "status": "True"} for kind in ("PodScheduled", "Initialized")],
            "containerStatuses": [
                {
                    "name": container["name"],
                    "image": container["image"],
                    "imageID": "",
                    "ready": is_ready,
                    "started": True,
                    "restartCount": running.restarts,
                    "state": state,
                }
            ],
        }
        metadata = running.pod["metadata"]
        with _gone_is_fine():
            self._api.change_status("Pod", metadata["namespace"], metadata["name"], status)
        running.said = said

    def _state(self, running: Running) -> tuple[str, bool]:
        labels = running.pod["metadata"].get("labels", {})
        if running.process is None:
            place = running.pod["metadata"]["namespace"]
            return "Running", not self.plays(place, labels.get(INSTANCE, ""), labels.get(COMPONENT, "")).problems
        code = running.process.poll()
        if code is not None:
            return "Succeeded" if code == 0 else "Failed", False
        if running.pod["spec"]["restartPolicy"] != "Always":
            return "Running", True
        try:
            with urllib.request.urlopen(f"http://{running.address}:{OPERATOR_HEALTH}/readyz", timeout=1) as answer:
                return "Running", answer.status == 200
        except OSError:
            return "Running", False

    def _write_hosts(self, pods: dict[str, Manifest]) -> None:
        lines = ["127.0.0.1 localhost"]
        for service in self._api.find("Service"):
            wanted = service["spec"].get("selector") or {}
            place, name = service["metadata"]["namespace"], service["metadata"]["name"]
            for uid, each in self._running.items():
                labels = pods.get(uid, {"metadata": {}})["metadata"].get("labels", {})
                fits = wanted and wanted.items() <= labels.items() and each.pod["metadata"]["namespace"] == place
                if fits and (service["spec"].get("publishNotReadyAddresses") or each.said[1:2] == (True,)):
                    lines.append(f"{each.address} {name}.{place} {name}.{place}.svc")
        text = "\n".join(lines) + "\n"
        if self._ground.hosts.read_text() != text:
            self._ground.hosts.write_text(text)


class _Gone(Exception):
    """The pod is no longer there."""


@contextlib.contextmanager
def _gone_is_fine() -> Any:
    try:
        yield
    except Refused as refused:
        if refused.status in (404, 409):
            raise _Gone from None
        raise
