"""The README's commands, word for word, as somebody new types them: from an empty namespace to a Ready node.

The beacon node of the example is there by its name, and is a fake one; pods are played as in all tests here.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from tests.kube import assets
from tests.kube.control_plane import ControlPlane
from tests.kube.kubelet import Kubelet
from tests.kube.nodes import a_chain, namespace
from tests.kube.release import Release
from tests.kube.site import Site
from tests.kube.waiting import eventually
from tests.support.fake_beacon import FakeBeacon

ROOT = Path(__file__).parents[2]
PLACE = "newcomer"
BEACON_PORT = 5052
LIMIT_S = 300


def commands() -> list[str]:
    """Return the commands of the README's part about Kubernetes, without their comments."""
    part = (ROOT / "README.md").read_text().partition("\n## On Kubernetes\n")[2]
    block = re.search(r"```sh\n(.*?)```", part, re.DOTALL)
    assert block is not None
    return [line.partition("  #")[0].strip() for line in block[1].splitlines()]


@pytest.fixture
def beacon(plane: ControlPlane, kubelet: Kubelet) -> Iterator[None]:
    """Let there be the example's beacon node, at its name."""
    labels = {"app": "beacon"}
    plane.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ethereum"}})
    eventually(lambda: "default" in plane.api.names("ServiceAccount", "ethereum"), "accounts")
    service = {"clusterIP": "None", "selector": labels, "ports": [{"port": BEACON_PORT}]}
    plane.api.create(
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "beacon"}, "spec": service}, "ethereum"
    )
    pod = {"containers": [{"name": "beacon", "image": "beacon:1"}]}
    meta = {"name": "beacon", "labels": labels}
    plane.api.create({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": pod}, "ethereum")
    eventually(lambda: "podIP" in plane.api.read("Pod", "ethereum", "beacon")["status"], "the pod has an address")
    address = plane.api.read("Pod", "ethereum", "beacon")["status"]["podIP"]
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    serves = threading.Thread(target=loop.run_until_complete, args=(_serve(address, stop),))
    serves.start()
    yield
    loop.call_soon_threadsafe(stop.set)
    serves.join()
    loop.close()
    plane.api.delete("Namespace", None, "ethereum")


async def _serve(address: str, stop: asyncio.Event) -> None:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", FakeBeacon({}, a_chain()).answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, address, BEACON_PORT).start()
    await stop.wait()
    await runner.cleanup()


@pytest.mark.usefixtures("beacon")
def test_three_commands_lead_to_a_ready_node(plane: ControlPlane, kubelet: Kubelet, tmp_path: Path) -> None:
    plane.api.create(namespace(PLACE))
    eventually(lambda: "default" in plane.api.names("ServiceAccount", PLACE), "accounts")
    (tmp_path / "operator_key.json").write_text("{}")
    (tmp_path / "password.txt").write_text("secret")
    (tmp_path / "helm").symlink_to(ROOT / "helm")
    kubeconfig = json.loads(plane.kubeconfig.read_text())
    kubeconfig["contexts"][0]["context"]["namespace"] = PLACE
    (tmp_path / "kubeconfig").write_text(json.dumps(kubeconfig))
    environment = os.environ | {
        "KUBECONFIG": str(tmp_path / "kubeconfig"),
        "PATH": f"{assets.program('kubectl').parent}:{assets.program('helm').parent}:{os.environ['PATH']}",
    }
    typed = commands()
    assert len(typed) == 3
    for command in typed:
        done = subprocess.run(
            ["sh", "-ec", command],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_S,
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    site = Site(plane.api, kubelet, Release(plane, PLACE))
    assert site.status("ssv")["phase"] == "Ready"
    assert "hoodi" in plane.api.read("ConfigMap", PLACE, "ssv-network")["data"]["network.json"]
    site.annotate("ssv", skip_slashing_export="true")
    site.release.uninstall()
    assert site.gone("ssv")
    plane.api.delete("Namespace", None, PLACE)
