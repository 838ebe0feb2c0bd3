"""The three commands of the README, as they stand there, typed by somebody who has a cluster and an operator's key.

What a reader has to put in by himself is put in here too: the beacon node's answers come from a ConfigMap. Pods are
played, so "Ready" is what the operator makes of pods that say so.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from scripts.images.contents import ROOT
from typer.testing import CliRunner

from ssvctl.main import app
from tests.kube.assets import program
from tests.kube.control_plane import ControlPlane
from tests.kube.kubelet import Kubelet
from tests.kube.nodes import NETWORK_MAP, namespace, network_map
from tests.kube.release import Release
from tests.kube.site import Site
from tests.kube.waiting import eventually

PLACE = "readme"
OWN = f"--set node.spec.network.configMap={NETWORK_MAP}"


def commands(file: Path) -> list[str]:
    """Return the block of commands that ends with waiting for the node."""
    blocks = re.findall(r"```sh\n(.*?)```", file.read_text(), re.DOTALL)
    (block,) = [each for each in blocks if "kubectl wait" in each]
    return [line.partition("  #")[0].strip() for line in block.strip().splitlines()]


@pytest.fixture
def person(plane: ControlPlane, kubelet: Kubelet, tmp_path: Path) -> Iterator[Path]:
    """Return the folder of somebody with a cluster, a checkout and a key; what he makes goes in the end."""
    plane.api.create(namespace(PLACE))
    eventually(lambda: "default" in plane.api.names("ServiceAccount", PLACE), "the namespace has accounts")
    plane.api.create(network_map(), PLACE)
    config = json.loads(plane.kubeconfig.read_text())
    config["contexts"][0]["context"]["namespace"] = PLACE
    (tmp_path / "config").write_text(json.dumps(config))
    (tmp_path / "helm").symlink_to(ROOT / "helm")
    (tmp_path / "password.txt").write_text("correct horse\n")
    made = CliRunner().invoke(
        app,
        ["keys", "generate", "--out", f"{tmp_path}/operator_key.json", "--password-file", f"{tmp_path}/password.txt"],
    )
    assert made.exit_code == 0, made.output
    yield tmp_path
    site = Site(plane.api, kubelet, Release(plane, PLACE))
    for node in plane.api.names("SSVNode", PLACE):
        site.annotate(node, skip_slashing_export="true")
    site.release.uninstall()
    plane.api.delete("Namespace", None, PLACE)


def typed(person: Path, command: str) -> str:
    """Return what a command prints."""
    path = f"{Path(program('helm')).parent}:{Path(program('kubectl')).parent}:{os.environ['PATH']}"
    env = os.environ | {"PATH": path, "KUBECONFIG": str(person / "config"), "HELM_CACHE_HOME": str(person)}
    done = subprocess.run(
        ["sh", "-ec", command], cwd=person, env=env, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_both_readmes_say_the_same() -> None:
    found = commands(ROOT / "README.md")
    assert found == commands(ROOT / "helm" / "ssv" / "README.md")
    assert len(found) == 3


def test_three_commands_from_nothing_to_a_ready_node(person: Path) -> None:
    make_secret, install, wait = commands(ROOT / "README.md")
    assert "created" in typed(person, make_secret)
    notes = typed(person, f"{install} {OWN}")
    assert f"ssvctl k8s status ssv --namespace {PLACE}" in notes
    assert "condition met" in typed(person, wait)
    seen = CliRunner().invoke(app, ["k8s", "status"], env={"KUBECONFIG": str(person / "config"), "COLUMNS": "200"})
    assert seen.exit_code == 0, seen.output
    assert f"ssv in {PLACE}: Ready  (single, hoodi)" in seen.stdout
