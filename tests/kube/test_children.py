"""What the operator makes of a node, repairs, and takes away again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ssv_kube.resources.objects import MANAGER
from ssv_kube.resources.sizing import COMPONENTS, SERVICES
from tests.kube.api import Manifest
from tests.kube.audit import WRITES
from tests.kube.nodes import a_node
from tests.kube.site import Site
from tests.kube.waiting import eventually

FORBIDDEN = 403


@pytest.fixture(scope="module")
def node(site: Site) -> Iterator[str]:
    name = site.make(a_node("whole"))
    site.until(name, "Ready", "True")
    yield name
    site.end(name)


def generation(manifest: Manifest) -> int:
    return int(manifest["metadata"]["generation"])


def test_all_children_are_there_and_owned(site: Site, node: str) -> None:
    uid = site.node(node)["metadata"]["uid"]
    expected = {
        "StatefulSet": {"nats", "signer", "eth1-listener", "p2p-gateway"},
        "Deployment": {"consensus", "duty-scheduler"},
        "Service": set(COMPONENTS),
        "ServiceAccount": set(COMPONENTS),
        "ConfigMap": set(SERVICES),
        "NetworkPolicy": {*COMPONENTS, "cli", "default-deny"},
        "PodDisruptionBudget": set(),
        "Secret": {"ca", "bus", "nats", *(f"{each}-tls" for each in (*COMPONENTS, "cli"))},
    }
    for kind, components in expected.items():
        assert site.children(kind, node) == {f"{node}-{each}" for each in components}, kind
        for each in site.api.find(kind, site.place, instance=node):
            (owner,) = each["metadata"]["ownerReferences"]
            assert owner["uid"] == uid
            assert owner["controller"]
            managers = {entry["manager"] for entry in each["metadata"]["managedFields"] if "subresource" not in entry}
            assert MANAGER in managers, each["metadata"]["name"]


def test_pods_are_admitted_where_only_restricted_ones_are(site: Site, node: str) -> None:
    pods = site.api.find("Pod", site.place, instance=node)
    assert {each["metadata"]["labels"]["app.kubernetes.io/component"] for each in pods} == set(COMPONENTS)


@pytest.mark.parametrize(
    ("kind", "child", "damage", "mended"),
    [
        ("Deployment", "consensus", {"spec": {"replicas": 0}}, lambda it: it["spec"]["replicas"] == 1),
        (
            "StatefulSet",
            "signer",
            {"spec": {"template": {"spec": {"automountServiceAccountToken": True}}}},
            lambda it: it["spec"]["template"]["spec"]["automountServiceAccountToken"] is False,
        ),
        ("ConfigMap", "signer", {"data": {"settings.toml": "x"}}, lambda it: len(it["data"]["settings.toml"]) > 1),
        (
            "NetworkPolicy",
            "signer",
            {"spec": {"ingress": [{}]}},
            lambda it: it["spec"]["ingress"] != [{}],
        ),
        (
            "Service",
            "signer",
            {"spec": {"selector": {"app.kubernetes.io/component": "other"}}},
            lambda it: it["spec"]["selector"]["app.kubernetes.io/component"] == "signer",
        ),
        (
            "ServiceAccount",
            "signer",
            {"automountServiceAccountToken": True},
            lambda it: it["automountServiceAccountToken"] is False,
        ),
    ],
    ids=["replicas", "template", "settings", "policy", "selector", "account"],
)
def test_what_somebody_changes_is_put_right(
    site: Site, node: str, kind: str, child: str, damage: Manifest, mended: object
) -> None:
    assert callable(mended)
    site.api.change(kind, site.place, f"{node}-{child}", damage)
    eventually(lambda: mended(site.api.read(kind, site.place, f"{node}-{child}")), f"{kind} {child} is as it was")


@pytest.mark.parametrize(
    ("kind", "child"),
    [
        ("Deployment", "duty-scheduler"),
        ("StatefulSet", "nats"),
        ("Service", "p2p-gateway"),
        ("NetworkPolicy", "default-deny"),
        ("ConfigMap", "consensus"),
    ],
)
def test_what_somebody_deletes_comes_back(site: Site, node: str, kind: str, child: str) -> None:
    before = site.api.read(kind, site.place, f"{node}-{child}")["metadata"]["uid"]
    site.api.delete(kind, site.place, f"{node}-{child}")

    def another() -> bool:
        found = site.api.names(kind, site.place, instance=node)
        return (
            f"{node}-{child}" in found
            and site.api.read(kind, site.place, f"{node}-{child}")["metadata"]["uid"] != before
        )

    eventually(another, f"{kind} {child} is there again")


def test_what_the_spec_wants_no_more_is_taken_away(site: Site, node: str) -> None:
    site.change(node, replicas={"consensus": 2}, networkPolicies=False)
    eventually(lambda: site.children("PodDisruptionBudget", node) == {f"{node}-consensus"}, "a budget for two workers")
    eventually(lambda: not site.children("NetworkPolicy", node), "no policies")
    site.change(node, replicas={"consensus": 1}, networkPolicies=True)
    eventually(lambda: not site.children("PodDisruptionBudget", node), "no budget for one worker")
    eventually(lambda: site.children("NetworkPolicy", node), "policies again")


def test_what_is_not_ours_is_left_alone(site: Site, node: str) -> None:
    labels = {"app.kubernetes.io/name": "ssv", "app.kubernetes.io/instance": node}
    foreign = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "foreign", "labels": labels}, "data": {}}
    site.api.create(foreign, site.place)
    site.change(node, graffiti="another")
    eventually(lambda: site.status(node)["observedGeneration"] == generation(site.node(node)), "the change is done")
    assert site.api.exists("ConfigMap", site.place, "foreign")


def test_nothing_is_written_when_nothing_has_changed(site: Site, node: str) -> None:
    site.until(node, "Ready", "True")
    site.operator_turns(node, 2)
    before = len(site.operator_requests())
    site.operator_turns(node, 3)
    made = [each for each in site.operator_requests()[before:] if each.verb in WRITES]
    assert {each.resource for each in made} <= {"ssvnodes/status", "leases", "events"}


def test_the_operator_asks_for_nothing_that_it_may_not(site: Site, node: str) -> None:
    refused = [each for each in site.operator_requests() if each.code == FORBIDDEN]
    assert refused == []
    assert not [each for each in site.operator_requests() if each.resource == "secrets" and each.verb == "list"]
