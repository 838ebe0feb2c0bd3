"""What all manifests of all examples keep to, whatever their kind."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import kubernetes_validate
import pytest

from ssv_kube.resources.bus_passwords import passwords, passwords_secret
from ssv_kube.resources.certificates import authority, authority_secret, certificate, certificate_secret, holders
from ssv_kube.resources.children import children
from ssv_kube.resources.nats import configuration_secret
from ssv_kube.resources.node import Node, Surroundings
from ssv_kube.resources.objects import Manifest

KUBERNETES = ("1.29.0", "1.34.0", "1.37.0")
FOREIGN_GROUPS = ("cert-manager.io", "monitoring.coreos.com")


@pytest.fixture
def secrets(node: Node, now: datetime) -> list[Manifest]:
    by_service = passwords(None, iter(f"a password of bus user {number}" for number in range(99)).__next__)
    ca = authority(None, now)
    pairs = [certificate_secret(node, each, ca, certificate(node, each, ca, None, now)) for each in holders(node)]
    return [
        passwords_secret(node, by_service),
        configuration_secret(node, by_service),
        authority_secret(node, ca),
        *pairs,
    ]


@pytest.fixture
def manifests(node: Node, around: Surroundings) -> list[Manifest]:
    return children(node, around)


def pods(manifests: list[Manifest]) -> Iterator[tuple[str, dict[str, Any]]]:
    for each in manifests:
        if each["kind"] in ("StatefulSet", "Deployment"):
            yield each["metadata"]["name"], each["spec"]["template"]


def containers(manifests: list[Manifest]) -> Iterator[dict[str, Any]]:
    for _, template in pods(manifests):
        yield from template["spec"]["containers"]


@pytest.mark.parametrize("version", KUBERNETES)
def test_every_manifest_is_what_kubernetes_knows(
    manifests: list[Manifest], secrets: list[Manifest], version: str
) -> None:
    for each in [*manifests, *secrets]:
        if each["apiVersion"].split("/")[0] not in FOREIGN_GROUPS:
            kubernetes_validate.validate(each, version, strict=True)


def test_a_field_that_kubernetes_does_not_know_would_be_found(manifests: list[Manifest]) -> None:
    service = next(each for each in manifests if each["kind"] == "Service")
    service["spec"]["sessionsAffinity"] = "None"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(service, KUBERNETES[-1], strict=True)


def test_no_two_manifests_are_the_same_object(manifests: list[Manifest], secrets: list[Manifest]) -> None:
    objects = [(each["apiVersion"], each["kind"], each["metadata"]["name"]) for each in [*manifests, *secrets]]
    assert len(set(objects)) == len(objects)


def test_every_child_is_the_nodes_own(node: Node, manifests: list[Manifest], secrets: list[Manifest]) -> None:
    for each in [*manifests, *secrets]:
        assert each["metadata"]["namespace"] == node.namespace
        assert [owner["uid"] for owner in each["metadata"]["ownerReferences"]] == [node.uid]
        assert each["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "ssv-operator"


def test_names_fit_into_labels(manifests: list[Manifest]) -> None:
    for each in manifests:
        assert re.fullmatch(r"[a-z][-a-z0-9]{0,51}", each["metadata"]["name"])


def test_secrets_are_in_secrets_only(manifests: list[Manifest], secrets: list[Manifest]) -> None:
    texts = [base64.b64decode(value).decode() for each in secrets for value in each["data"].values()]
    hidden = [text for text in texts if "PRIVATE KEY" in text or text.startswith("a password")]
    assert len(hidden) > 10
    said = json.dumps(manifests)
    assert not [text for text in hidden if json.dumps(text)[1:-1] in said]
    assert "PRIVATE KEY" not in said


def test_no_secret_comes_by_environment(manifests: list[Manifest]) -> None:
    for container in containers(manifests):
        assert "envFrom" not in container
        assert not [each for each in container["env"] if "secretKeyRef" in each.get("valueFrom", {})]


def test_pods_are_restricted(manifests: list[Manifest]) -> None:
    for _, template in pods(manifests):
        spec = template["spec"]
        assert spec["automountServiceAccountToken"] is False
        assert spec["enableServiceLinks"] is False
        context = spec["securityContext"]
        assert context["runAsNonRoot"]
        assert context["runAsUser"] > 0
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & set(spec)
        assert not [each for each in spec["volumes"] if "hostPath" in each]
    for container in containers(manifests):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_images_have_a_fixed_version(manifests: list[Manifest]) -> None:
    for container in containers(manifests):
        assert re.search(r":[0-9][\w.-]*$|@sha256:[0-9a-f]{64}$", container["image"])


def test_memory_is_limited_to_the_request_and_cpu_is_not_limited(manifests: list[Manifest]) -> None:
    for container in containers(manifests):
        resources = container["resources"]
        assert resources["limits"] == {"memory": resources["requests"]["memory"]}
        assert "cpu" in resources["requests"]


def test_every_container_is_looked_at(manifests: list[Manifest]) -> None:
    for container in containers(manifests):
        assert all("httpGet" in container[f"{kind}Probe"] for kind in ("startup", "liveness", "readiness"))


def test_liveness_looks_at_no_dependency(manifests: list[Manifest]) -> None:
    paths = {container["livenessProbe"]["httpGet"]["path"] for container in containers(manifests)}
    assert paths <= {"/livez", "/healthz?js-enabled-only=true"}


def test_selectors_are_made_of_what_never_changes(manifests: list[Manifest]) -> None:
    stable = {"app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component"}
    for each in manifests:
        if each["kind"] in ("StatefulSet", "Deployment", "PodDisruptionBudget"):
            chosen = each["spec"]["selector"]["matchLabels"]
            assert set(chosen) == stable
            if "template" in each["spec"]:
                assert chosen.items() <= each["spec"]["template"]["metadata"]["labels"].items()


def test_pods_have_time_to_drain(manifests: list[Manifest]) -> None:
    for name, template in pods(manifests):
        assert template["spec"]["terminationGracePeriodSeconds"] >= (60 if name.endswith("nats") else 65)


def test_every_budget_lets_a_pod_go(manifests: list[Manifest]) -> None:
    replicas = {
        each["metadata"]["name"]: each["spec"]["replicas"]
        for each in manifests
        if each["kind"] in ("StatefulSet", "Deployment")
    }
    budgets = [each for each in manifests if each["kind"] == "PodDisruptionBudget"]
    assert {each["metadata"]["name"] for each in budgets} == {name for name, number in replicas.items() if number > 1}
    for each in budgets:
        assert each["spec"]["maxUnavailable"] == 1
        assert "minAvailable" not in each["spec"]
        assert each["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


def test_what_pods_mount_is_there(node: Node, manifests: list[Manifest], secrets: list[Manifest]) -> None:
    made = {(each["kind"], each["metadata"]["name"]) for each in [*manifests, *secrets]}
    spec = node.spec
    users = {("Secret", spec.operator_key.secret_name), ("ConfigMap", spec.network.config_map or "-")}
    if spec.signer.database is not None:
        users.add(("Secret", spec.signer.database.secret_name))
    if spec.nats.external is not None:
        users.add(("Secret", spec.nats.external.passwords_secret))
    for name, template in pods(manifests):
        assert ("ServiceAccount", template["spec"]["serviceAccountName"]) in made, name
        for volume in template["spec"]["volumes"]:
            wanted = {("Secret", volume["secret"]["secretName"])} if "secret" in volume else set()
            wanted |= {("ConfigMap", volume["configMap"]["name"])} if "configMap" in volume else set()
            assert wanted <= made | users, f"{name}: {volume['name']}"


def test_the_same_spec_makes_the_same_manifests(node: Node, around: Surroundings, manifests: list[Manifest]) -> None:
    assert children(node, around) == manifests
