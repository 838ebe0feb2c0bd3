"""The chart, by Helm itself: lint, what it makes of every example, and what it refuses."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import helm_python as helm
import kubernetes_validate
import pytest
import yaml

from ssv_kube.model.names import API_VERSION
from ssv_kube.model.spec import SSVNodeSpec
from ssv_kube.resources.service_monitors import API_VERSION as MONITORS
from ssv_kube.settings import OperatorSettings

ROOT = Path(__file__).parents[3]
CHART = ROOT / "helm" / "ssv"
EXAMPLES = sorted(path.stem for path in (CHART / "examples").glob("*.yaml"))
Manifest = dict[str, Any]


def example(name: str) -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load((CHART / "examples" / f"{name}.yaml").read_text())
    return values


def rendered(values: dict[str, Any] | None = None) -> list[Manifest]:
    with helm.Chart.load(CHART) as chart:
        texts = chart.render(values or {}, name="ssv", namespace="staking")
    files = (text for path, text in texts.items() if not path.endswith("NOTES.txt"))
    return [each for text in files for each in yaml.safe_load_all(text) if each]


def refusal(values: dict[str, Any]) -> str:
    with pytest.raises(helm.HelmError) as raised:
        rendered(values)
    return str(raised.value)


def pods(manifests: list[Manifest]) -> Iterator[dict[str, Any]]:
    for each in manifests:
        if each["kind"] == "Pod":
            yield each["spec"]
        elif each["kind"] in ("Deployment", "Job"):
            yield each["spec"]["template"]["spec"]


def rights(manifests: list[Manifest], name: str) -> list[dict[str, Any]]:
    roles = [each for each in manifests if each["kind"].endswith("Role") and each["metadata"]["name"] == name]
    return [rule for role in roles for rule in role["rules"]]


@pytest.fixture(params=["defaults", *EXAMPLES])
def values(request: pytest.FixtureRequest) -> dict[str, Any]:
    return {} if request.param == "defaults" else example(request.param)


def test_helm_finds_nothing_to_complain_about(values: dict[str, Any]) -> None:
    report = helm.lint(CHART, values, strict=True, kube_version="v1.29.0")
    assert not report.get("errors"), report
    assert [each for each in report["messages"] if each["severity"] > 1] == []


def test_what_is_made_of_other_files_is_current() -> None:
    checked = subprocess.run(
        [sys.executable, ROOT / "scripts" / "chart.py", "--check"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_value_is_described() -> None:
    leaves = {path for path, value in walk(yaml.safe_load((CHART / "values.yaml").read_text()))}
    table = set(re.findall(r"^\| `([\w.]+)` \|", (CHART / "README.md").read_text(), re.MULTILINE))
    assert {leaf for leaf in leaves if leaf not in table and leaf.rpartition(".")[0] not in table} == set()


def walk(content: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in content.items():
        if isinstance(value, dict) and value:
            yield from walk(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


@pytest.mark.parametrize("version", ["1.29.0", "1.34.0", "1.37.0"])
def test_every_manifest_is_what_kubernetes_knows(values: dict[str, Any], version: str) -> None:
    for each in rendered(values):
        if each["apiVersion"] not in (API_VERSION, MONITORS):
            kubernetes_validate.validate(each, version, strict=True)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_examples_node_is_one_that_the_operator_understands(name: str) -> None:
    (node,) = [each for each in rendered(example(name)) if each["kind"] == "SSVNode"]
    spec = SSVNodeSpec.model_validate(node["spec"])
    assert spec.model_dump(by_alias=True, exclude_unset=True) == node["spec"] == example(name)["node"]["spec"]


def test_the_operator_takes_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    manifests = rendered({"watchNamespaces": ["other"], "images": {"digests": {"signer": "sha256:" + "0" * 64}}})
    (deployment,) = [each for each in manifests if each["kind"] == "Deployment"]
    for each in deployment["spec"]["template"]["spec"]["containers"][0]["env"]:
        if each["name"].startswith("SSV_KUBE_"):
            monkeypatch.setenv(each["name"], each.get("value", "from-the-field"))
    settings = OperatorSettings.read()
    assert settings.watched_namespaces == ["staking", "other"]
    assert settings.images().of("signer").endswith("0" * 64)
    assert settings.images().of("consensus") == "ssv/consensus:0.1.0"


def test_pods_are_restricted(values: dict[str, Any]) -> None:
    for pod in pods(rendered(values)):
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            security = container["securityContext"]
            assert security["readOnlyRootFilesystem"]
            assert not security["allowPrivilegeEscalation"]
            assert security["capabilities"] == {"drop": ["ALL"]}
            assert re.search(r":[0-9][\w.-]*$|@sha256:[0-9a-f]{64}$", container["image"])
            resources = container["resources"]
            assert resources["limits"] == {"memory": resources["requests"]["memory"]}


def test_the_operators_rights_are_the_least(values: dict[str, Any]) -> None:
    manifests = rendered(values)
    everything = [rule for each in manifests if each["kind"].endswith("Role") for rule in each["rules"]]
    assert not [rule for rule in everything if "*" in rule["verbs"] + rule["resources"] + rule["apiGroups"]]
    secrets = [rule for rule in everything if "secrets" in rule["resources"]]
    assert secrets
    assert not [rule for rule in secrets if {"list", "watch", "deletecollection"} & set(rule["verbs"])]
    (cluster_role,) = [each for each in manifests if each["kind"] == "ClusterRole"]
    assert [rule["resourceNames"] for rule in cluster_role["rules"]] == [["ssvnodes.ssv.network"]]


def test_rights_are_given_in_watched_namespaces_only() -> None:
    roles = [each for each in rendered({"watchNamespaces": ["other"]}) if each["kind"] == "Role"]
    assert {each["metadata"]["namespace"] for each in roles} == {"staking", "other"}
    assert {each["metadata"]["namespace"] for each in rendered() if each["kind"] == "Role"} == {"staking"}


def test_uninstalling_may_delete_only_the_releases_own_node() -> None:
    deletes = [rule for rule in rights(rendered(example("single")), "ssv-before-delete") if "delete" in rule["verbs"]]
    assert [rule["resourceNames"] for rule in deletes] == [["ssv"]]
    assert not [rule for rule in rights(rendered(), "ssv-before-delete") if "delete" in rule["verbs"]]


def test_the_hook_comes_after_its_rights() -> None:
    hooks = [each for each in rendered(example("ha")) if "helm.sh/hook" in each["metadata"].get("annotations", {})]
    weights = {each["kind"]: int(each["metadata"]["annotations"]["helm.sh/hook-weight"]) for each in hooks}
    assert max(weights[kind] for kind in ("ServiceAccount", "Role", "RoleBinding")) < min(
        weights["Job"], weights["Pod"]
    )


def test_a_single_operator_has_no_budget_that_would_block_a_drain() -> None:
    alone = rendered({"operator": {"replicas": 1}})
    assert not [each for each in alone if each["kind"] == "PodDisruptionBudget"]
    (budget,) = [each for each in rendered() if each["kind"] == "PodDisruptionBudget"]
    assert budget["spec"]["maxUnavailable"] == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"preset": "ha"}, "ha needs PostgreSQL"),
        ({"replicas": {"signer": 2}}, "signers with a record each would sign twice"),
        ({"exporter": {"enabled": True}}, "the exporter does not exist in this version"),
        ({"graffiti": "ä" * 17}, "more than 32 bytes"),
        ({"proposerDelayMs": 2000}, "loses blocks"),
        ({"network": {"name": "local"}}, "a local network needs contract"),
        ({"network": {"name": "hoodi", "fromBlock": 5}}, "for the local network only"),
        (
            {"nats": {"external": {"url": "nats://a:4222", "passwordsSecret": "b"}}, "replicas": {"nats": 3}},
            "is for an own NATS",
        ),
        ({"signer": {"coldStart": "trust-disk", "database": {"secretName": "a"}}}, "on the signer's own volume"),
        ({"p2p": {"discovery": True}}, "somebody to ask first"),
        ({"p2p": {"bootnodes": ["enr:-a"]}}, "are for discovery"),
        ({"p2p": {"discovery": True, "bootnodes": ["enr:-a"], "announceUdpPort": 9}}, "is not announced"),
        (
            {
                "replicas": {"p2pGateway": 2},
                "p2p": {"discovery": True, "bootnodes": ["enr:-a"], "announceIp": "192.0.2.1"},
            },
            "share one only behind NodePorts",
        ),
    ],
)
def test_unsafe_nodes_are_refused_with_a_sentence(changes: dict[str, Any], said: str) -> None:
    values = example("single")
    values["node"]["spec"] |= changes
    assert said in refusal(values)


@pytest.mark.parametrize("exposure", ["None", "NodePort", "LoadBalancer", "HostPort"])
def test_discovery_is_taken_with_every_way_in(exposure: str) -> None:
    values = example("ha")
    values["node"]["spec"]["p2p"] = {"discovery": True, "bootnodes": ["enr:-a"], "exposure": {"type": exposure}}
    assert rendered(values)
    values["node"]["spec"]["replicas"] = {"p2pGateway": 1}
    values["node"]["spec"]["p2p"] |= {"announceIp": "192.0.2.1", "announceTcpPort": 443, "announceUdpPort": 53}
    assert rendered(values)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"onSlashing": "panic"}, "onSlashing"),
        ({"beacon": {"endpoints": []}}, "endpoints"),
        ({"beacon": {}}, "endpoints"),
        ({"operatorKey": {"secretName": "a", "value": "inline"}}, "value"),
        ({"network": {"name": "goerli"}}, "network"),
        ({"grafiti": "misspelt"}, "grafiti"),
    ],
)
def test_what_is_no_spec_is_refused_by_name(changes: dict[str, Any], said: str) -> None:
    values = example("single")
    values["node"]["spec"] |= changes
    assert said in refusal(values)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"images": {"tag": "latest"}}, "latest is no version"),
        ({"images": {"nats": "nats"}}, "names no fixed version"),
        ({"uninstall": {"limitSeconds": 600}}, "must be more than operator.exportLimitSeconds"),
        ({"node": {"create": True}}, "missing properties"),
        ({"replicaCount": 3}, "replicaCount"),
    ],
)
def test_unsafe_values_are_refused(values: dict[str, Any], said: str) -> None:
    assert said in refusal(values)


def test_notes_name_the_secrets_that_the_node_needs() -> None:
    with helm.Chart.load(CHART) as chart:
        texts = chart.render(example("ha"), name="ssv", namespace="staking")
    (notes,) = [text for path, text in texts.items() if path.endswith("NOTES.txt")]
    assert "ssv-operator-key" in notes
    assert "ssv-signer-database" in notes
