"""`ssvctl k8s status` against a real API server: what it shows, and what it says to those who may not see."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ssvctl.main import app
from tests.kube.nodes import a_node
from tests.kube.site import Site


@pytest.fixture(scope="module")
def node(site: Site) -> Iterator[str]:
    site.kubelet.plays(site.place, "shown", "consensus").metrics = {"ssv_consensus_committees": 7.0}
    name = site.make(a_node("shown"))
    site.until_phase(name, "Ready")
    yield name
    site.end(name)


def status(kubeconfig: Path, *arguments: str) -> Result:
    flags = ["--kubeconfig", str(kubeconfig), *arguments]
    return CliRunner().invoke(app, ["k8s", "status", *flags], env={"COLUMNS": "250"})


def shown(site: Site, *arguments: str) -> Result:
    return status(site.release.plane.kubeconfig, "--namespace", site.place, *arguments)


def a_persons_kubeconfig(site: Site, account: str, folder: Path) -> Path:
    """Return the kubeconfig of somebody who has no rights yet."""
    site.api.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account}}, site.place)
    content = json.loads(site.release.plane.kubeconfig.read_text())
    content["users"][0]["user"] = {"token": site.api.token(site.place, account)}
    content["contexts"][0]["context"]["namespace"] = site.place
    (folder / "config").write_text(json.dumps(content))
    return folder / "config"


def let_read_nodes(site: Site, account: str) -> None:
    """Let somebody list SSVNodes."""
    group = "rbac.authorization.k8s.io"
    rule = {"apiGroups": ["ssv.network"], "resources": ["ssvnodes"], "verbs": ["get", "list"]}
    role = {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": {"name": account}, "rules": [rule]}
    site.api.create(role, site.place)
    site.api.create(
        role
        | {
            "kind": "RoleBinding",
            "roleRef": {"apiGroup": group, "kind": "Role", "name": account},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": site.place}],
        },
        site.place,
    )


def test_a_ready_node(site: Site, node: str) -> None:
    result = shown(site, node)
    assert result.exit_code == 0, result.output
    assert f"{node} in {site.place}: Ready  (single, hoodi)" in result.stdout
    rows = [[each.strip() for each in line.strip("│").split("│")] for line in result.stdout.splitlines()]
    assert ["signer", "1/1", "0.1.0", "0", ""] in rows
    assert [row[1] for row in rows if row[0].startswith(f"{node}-consensus-") and len(row) == 2] == ["7"]


def test_one_that_is_not_ready_says_why_and_what_to_do(site: Site, node: str) -> None:
    played = site.kubelet.plays(site.place, node, "eth1-listener")
    played.problems = {"execution": "connection refused"}
    site.until(node, "Ready", "False")
    result = shown(site)
    played.problems = {}
    assert result.exit_code == 1
    first = next(line for line in result.stdout.splitlines() if "False" in line or "True" in line)
    assert "✗" in first
    assert "connection refused" in result.stdout
    assert "execution.endpoints" in result.stdout
    site.until_phase(node, "Ready")
    assert shown(site).exit_code == 0


def test_who_may_not_see_is_told_what_to_ask_for(site: Site, node: str, tmp_path: Path) -> None:
    config = a_persons_kubeconfig(site, "somebody", tmp_path)
    refused = status(config)
    assert refused.exit_code == 1
    assert f"you may not list ssvnodes in namespace {site.place}" in refused.stderr
    let_read_nodes(site, "somebody")
    allowed = status(config, node)
    assert allowed.exit_code == 0, allowed.output
    assert "You may not list pods here" in allowed.stdout


def test_a_stranger_is_sent_to_log_in(site: Site, tmp_path: Path) -> None:
    config = a_persons_kubeconfig(site, "stranger", tmp_path)
    content = json.loads(config.read_text())
    content["users"][0]["user"] = {"token": "made up"}
    config.write_text(json.dumps(content))
    assert "log in to the cluster again" in status(config).stderr


def test_names_that_are_not_there(site: Site, node: str) -> None:
    assert f"there is no SSVNode other in namespace {site.place}, only {node}" in shown(site, "other").stderr
    elsewhere = status(site.release.plane.kubeconfig, "--namespace", "kube-system")
    assert elsewhere.exit_code == 1
    assert "there is no SSVNode in namespace kube-system" in elsewhere.stderr
