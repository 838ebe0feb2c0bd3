"""`ssvctl k8s status`, from the command line to the API's answers."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from pathlib import Path

import pytest
from cli.tests.k8s.api_server import NODES, PODS, Answer, kubeconfig, listed, refused, serving
from cli.tests.k8s.nodes import pods, reports, ssv_node
from typer.testing import CliRunner, Result

from ssv_kube.handlers.kinds import NODE
from ssv_kube.model.names import PAUSED
from ssv_kube.resources.objects import APP, COMPONENT, INSTANCE, NAME
from ssvctl import k8s_api, k8s_report
from ssvctl.main import app

FORBIDDEN = refused(403, 'ssvnodes.ssv.network is forbidden: User "me" cannot list resource "ssvnodes"')


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["k8s", "status", *arguments], env={"COLUMNS": "250", "KUBECONFIG": ""})


def asked(folder: Path, answers: Mapping[str, Answer], *arguments: str) -> Result:
    with serving(folder, answers) as config:
        return run("--kubeconfig", str(config), *arguments)


def test_a_ready_node(tmp_path: Path) -> None:
    result = asked(tmp_path, {NODES: listed(ssv_node(seen=reports())), PODS: listed(*pods(restarts=3))}, "ssv")
    assert result.exit_code == 0, result.output
    assert "ssv in staking: Ready  (single, hoodi)" in result.stdout
    assert "validators 500, last decided slot 123, peers 20" in result.stdout
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["│", "signer", "│", "1/1", "│", "0.1.0", "│", "3", "│", "│"] in rows
    assert ["│", "ssv-consensus-0", "│", "7", "│"] in rows


def test_what_is_wrong_comes_first_with_its_remedy(tmp_path: Path) -> None:
    sick = ssv_node(seen=reports(eth1_listener={"execution node": "connection refused"}))
    result = asked(tmp_path, {NODES: listed(sick), PODS: listed(*pods())})
    assert result.exit_code == 1
    assert "ssv in staking: Starting" in result.stdout
    conditions = [line for line in result.stdout.splitlines() if " ✓ " in line or " ✗ " in line]
    marks = [" ✗ " in line for line in conditions]
    assert marks == sorted(marks, reverse=True)
    (said,) = [line for line in conditions if "ExecutionHealthy False" in line]
    assert "connection refused" in said
    assert "execution.endpoints" in said
    assert "execution node: connection refused" in next(
        line for line in result.stdout.splitlines() if "0/1" in line and "eth1-listener" in line
    )


def test_all_nodes_have_to_be_ready(tmp_path: Path) -> None:
    nodes = listed(ssv_node("good", reports()), ssv_node("bad", reports(signer={"database": "gone"})))
    answers = {NODES: nodes, PODS: listed()}
    assert asked(tmp_path, answers).exit_code == 1
    assert asked(tmp_path, answers, "good").exit_code == 0
    assert asked(tmp_path, answers, "bad").exit_code == 1


def test_a_node_that_no_operator_has_seen(tmp_path: Path) -> None:
    result = asked(tmp_path, {NODES: listed(ssv_node()), PODS: listed()})
    assert result.exit_code == 1
    assert "Unseen" in result.stdout
    assert "does Deployment ssv-operator run" in result.stdout


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({"generation": 2}, "not carried out yet"),
        ({"annotations": {PAUSED: "true"}}, "paused"),
        ({"deletionTimestamp": "2026-03-01T00:00:00Z"}, "being deleted"),
    ],
)
def test_what_the_status_can_not_say(tmp_path: Path, about: dict[str, object], said: str) -> None:
    node = ssv_node(seen=reports(), **about)  # type: ignore[arg-type]
    result = asked(tmp_path, {NODES: listed(node), PODS: listed(*pods())})
    assert said in result.stdout
    assert result.exit_code == (1 if "deletionTimestamp" in about else 0)


def test_who_may_not_see_pods_sees_the_rest(tmp_path: Path) -> None:
    result = asked(tmp_path, {NODES: listed(ssv_node(seen=reports())), PODS: FORBIDDEN})
    assert result.exit_code == 0
    assert "You may not list pods" in result.stdout


@pytest.mark.parametrize(
    ("answers", "arguments", "said"),
    [
        ({}, (), "the cluster knows no SSVNodes; install the chart"),
        ({NODES: FORBIDDEN}, (), "you may not list ssvnodes in namespace staking"),
        ({NODES: refused(401, "Unauthorized")}, (), "log in to the cluster again"),
        ({NODES: refused(500, "etcd is gone")}, (), "the API server answers 500: etcd is gone"),
        ({NODES: listed()}, (), "there is no SSVNode in namespace staking"),
        ({NODES: listed(ssv_node())}, ("other",), "there is no SSVNode other in namespace staking, only ssv"),
        ({NODES: listed()}, ("--context", "elsewhere"), "Context 'elsewhere' not found"),
        ({NODES: listed()}, ("--namespace", "elsewhere"), "the cluster knows no SSVNodes"),
    ],
)
def test_one_sentence_says_what_to_do(
    tmp_path: Path, answers: dict[str, Answer], arguments: tuple[str, ...], said: str
) -> None:
    result = asked(tmp_path, answers, *arguments)
    assert result.exit_code == 1
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""


def test_nobody_listens(tmp_path: Path) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        result = run("--kubeconfig", str(kubeconfig(tmp_path, unheard.getsockname()[1])))
    assert result.exit_code == 1
    assert "the API server can't be reached" in result.stderr


@pytest.mark.parametrize("content", [None, "", "a: [", "{}", json.dumps({"clusters": [], "contexts": []})])
def test_no_kubeconfig_or_a_damaged_one(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "config"
    if content is not None:
        file.write_text(content)
    result = run("--kubeconfig", str(file))
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert "no cluster to ask" in result.stderr or "can't be used" in result.stderr


def test_names_are_those_of_the_operator() -> None:
    assert (NODE.group, NODE.version, NODE.name, NODE.plural) == (
        k8s_api.GROUP,
        k8s_api.VERSION,
        k8s_api.KIND,
        k8s_api.PLURAL,
    )
    assert (NAME, APP, INSTANCE) == (k8s_api.APP_LABEL, k8s_api.APP, k8s_api.NODE_LABEL)
    assert (COMPONENT, PAUSED) == (k8s_report.COMPONENT_LABEL, k8s_report.PAUSED)
