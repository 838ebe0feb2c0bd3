"""Who may reach whom, worked out from the policies as a cluster would."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ssv_kube.resources.network_policies import network_policies
from ssv_kube.resources.node import Node, Surroundings
from ssv_kube.resources.objects import Manifest

Example = Callable[..., Node]
SERVICES = ("signer", "eth1-listener", "p2p-gateway", "duty-scheduler", "consensus", "nats", "cli", "stranger")


@pytest.fixture
def policies(example: Example, surroundings: Callable[..., Surroundings]) -> list[Manifest]:
    return network_policies(example("ha"), surroundings())


def labels_of(component: str) -> dict[str, str]:
    if component == "stranger":
        return {"app.kubernetes.io/name": "something"}
    return {
        "app.kubernetes.io/name": "ssv",
        "app.kubernetes.io/instance": "ssv",
        "app.kubernetes.io/component": component,
    }


def rules(policies: list[Manifest], component: str, direction: str) -> list[dict[str, Any]]:
    labels = labels_of(component).items()
    chosen = [each["spec"] for each in policies if each["spec"]["podSelector"]["matchLabels"].items() <= labels]
    return [rule for spec in chosen for rule in spec.get(direction, [])]


def admits(rule: dict[str, Any], peers: str, other: str, port: int) -> bool:
    if port not in [each["port"] for each in rule.get("ports", [{"port": port}])]:
        return False
    if peers not in rule:
        return True
    pods = [each["podSelector"]["matchLabels"] for each in rule[peers] if set(each) == {"podSelector"}]
    return any(labels.items() <= labels_of(other).items() for labels in pods)


def may_call(policies: list[Manifest], caller: str, called: str, port: int) -> bool:
    comes_in = any(admits(rule, "from", caller, port) for rule in rules(policies, called, "ingress"))
    goes_out = caller == "stranger" or any(
        admits(rule, "to", called, port) for rule in rules(policies, caller, "egress")
    )
    return comes_in and goes_out


def test_the_signer_hears_those_that_have_business_with_it(policies: list[Manifest]) -> None:
    callers = {each for each in SERVICES if may_call(policies, each, "signer", 9000)}
    assert callers == {"consensus", "eth1-listener", "duty-scheduler", "cli"}


def test_the_registry_is_read_by_those_that_need_it(policies: list[Manifest]) -> None:
    callers = {each for each in SERVICES if may_call(policies, each, "eth1-listener", 9000)}
    assert callers == {"consensus", "p2p-gateway", "duty-scheduler", "cli"}


def test_the_bus_has_its_users_and_itself(policies: list[Manifest]) -> None:
    assert {each for each in SERVICES if may_call(policies, each, "nats", 4222)} == {
        "consensus",
        "p2p-gateway",
        "duty-scheduler",
    }
    assert {each for each in SERVICES if may_call(policies, each, "nats", 6222)} == {"nats"}


def test_only_the_gateway_faces_strangers(policies: list[Manifest]) -> None:
    ports = (9000, 9100, 13001, 4222, 6222, 8222)
    reached = {(each, port) for each in SERVICES[:-1] for port in ports if may_call(policies, "stranger", each, port)}
    assert reached == {("p2p-gateway", 13001)}


def test_discovery_is_let_in_where_it_is_wanted(example: Example, surroundings: Callable[..., Surroundings]) -> None:
    def datagrams(node: Node) -> list[tuple[str, Any]]:
        made = network_policies(node, surroundings())
        return [
            (each["metadata"]["name"], port["port"])
            for each in made
            for rule in each["spec"].get("ingress", ())
            for port in rule["ports"]
            if port["protocol"] == "UDP"
        ]

    assert datagrams(example("ha")) == []
    assert datagrams(example("ha", p2p={"discovery": True})) == [("ssv-p2p-gateway", 12001)]


def test_the_signer_dials_its_database_only(policies: list[Manifest]) -> None:
    dialled = [rule["ports"] for rule in rules(policies, "signer", "egress") if "to" not in rule]
    assert dialled == [[{"port": 4318, "protocol": "TCP"}, {"port": 5432, "protocol": "TCP"}]]


def test_a_signer_with_its_own_volume_dials_nobody(example: Example, surroundings: Callable[..., Surroundings]) -> None:
    alone = network_policies(example("single"), surroundings())
    assert all([each["port"] for each in rule["ports"]] == [53, 53] for rule in rules(alone, "signer", "egress"))


def test_health_is_for_the_operator_and_the_monitoring_namespace(policies: list[Manifest]) -> None:
    for service in ("signer", "consensus", "nats"):
        port = 8222 if service == "nats" else 9100
        peers = [
            peer
            for rule in rules(policies, service, "ingress")
            if port in [each["port"] for each in rule["ports"]]
            for peer in rule["from"]
        ]
        assert [peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] for peer in peers] == [
            "ssv-system",
            "monitoring",
        ]
        assert peers[0]["podSelector"] == {"matchLabels": {"app.kubernetes.io/name": "ssv-operator"}}


def test_nodes_are_dialled_on_the_ports_of_their_addresses(
    example: Example, surroundings: Callable[..., Surroundings]
) -> None:
    policies = network_policies(example("external-nats"), surroundings())
    dialled = [
        each["port"] for rule in rules(policies, "consensus", "egress") if "to" not in rule for each in rule["ports"]
    ]
    assert dialled == [443, 4222]


def test_everything_is_denied_that_no_rule_allows(policies: list[Manifest]) -> None:
    whole = policies[0]["spec"]
    assert whole["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in whole
    assert set(whole["podSelector"]["matchLabels"]) == {"app.kubernetes.io/name", "app.kubernetes.io/instance"}


def test_a_cluster_with_policies_of_its_own_gets_none(
    example: Example, surroundings: Callable[..., Surroundings]
) -> None:
    assert network_policies(example("single", networkPolicies=False), surroundings()) == []
