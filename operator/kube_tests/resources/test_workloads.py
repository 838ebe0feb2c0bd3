"""Numbers of pods, volumes, and what makes pods roll."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ssv_kube.resources.children import children
from ssv_kube.resources.images import Images
from ssv_kube.resources.node import Node, Surroundings
from ssv_kube.resources.services import services

Example = Callable[..., Node]
Around = Callable[..., Surroundings]


def workloads(node: Node, around: Surroundings) -> dict[str, Any]:
    made = [each for each in children(node, around) if each["kind"] in ("StatefulSet", "Deployment")]
    return {each["metadata"]["name"].removeprefix("ssv-"): each["spec"] for each in made}


def rolled(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    return {name for name in before if before[name]["template"] != after[name]["template"]}


def test_single_runs_one_pod_each(example: Example, surroundings: Around) -> None:
    assert {spec["replicas"] for spec in workloads(example("single"), surroundings()).values()} == {1}


def test_ha_runs_several_of_each(example: Example, surroundings: Around) -> None:
    numbers = {name: spec["replicas"] for name, spec in workloads(example("ha"), surroundings()).items()}
    assert numbers == {
        "nats": 3, "signer": 2, "eth1-listener": 2, "p2p-gateway": 2, "duty-scheduler": 2, "consensus": 3
    }  # fmt: skip


def test_the_spec_overrules_the_preset(example: Example, surroundings: Around) -> None:
    node = example("ha", replicas={"consensus": 7}, resources={"consensus": {"memory": "2Gi"}})
    consensus = workloads(node, surroundings())["consensus"]
    assert consensus["replicas"] == 7
    resources = consensus["template"]["spec"]["containers"][0]["resources"]
    assert resources == {"requests": {"cpu": "500m", "memory": "2Gi"}, "limits": {"memory": "2Gi"}}


def test_volumes_are_for_what_must_last_and_outlive_it(example: Example, surroundings: Around) -> None:
    made = workloads(example("single"), surroundings())
    assert {name for name, spec in made.items() if "volumeClaimTemplates" in spec} == {
        "nats", "signer", "eth1-listener", "p2p-gateway"
    }  # fmt: skip
    kept = {"whenDeleted": "Retain", "whenScaled": "Retain"}
    assert all(made[name]["persistentVolumeClaimRetentionPolicy"] == kept for name in ("nats", "signer"))


def test_a_signer_on_postgresql_has_no_volume(example: Example, surroundings: Around) -> None:
    assert "volumeClaimTemplates" not in workloads(example("ha"), surroundings())["signer"]


def test_a_setting_rolls_only_the_service_that_has_it(example: Example, surroundings: Around) -> None:
    before = workloads(example("single"), surroundings())
    after = workloads(example("single", graffiti="hello"), surroundings())
    assert rolled(before, after) == {"consensus"}


def test_a_certificate_rolls_only_its_holder(example: Example, surroundings: Around) -> None:
    before = workloads(example("single"), surroundings(certificate_hashes={"signer": "a"}))
    after = workloads(example("single"), surroundings(certificate_hashes={"signer": "b"}))
    assert rolled(before, after) == {"signer"}


def test_forks_in_the_network_file_roll_all_services(example: Example, surroundings: Around) -> None:
    before = workloads(example("single"), surroundings())
    after = workloads(example("single"), surroundings(network_file='{"forks": 1}'))
    assert rolled(before, after) == set(before) - {"nats"}


def test_while_a_node_goes_nobody_asks_the_signer_for_signatures(example: Example, surroundings: Around) -> None:
    made = workloads(example("ha"), surroundings(draining=True))
    assert made["consensus"]["replicas"] == made["duty-scheduler"]["replicas"] == 0
    assert made["signer"]["replicas"] == 2


def test_each_gateway_has_a_way_in_of_its_own(example: Example) -> None:
    ways = [each for each in services(example("ha")) if each["spec"].get("type") == "LoadBalancer"]
    pods = [each["spec"]["selector"]["statefulset.kubernetes.io/pod-name"] for each in ways]
    assert pods == ["ssv-p2p-gateway-0", "ssv-p2p-gateway-1"]


def test_node_ports_follow_on(example: Example) -> None:
    node = example("external-nats", replicas={"p2pGateway": 2})
    ports = [each["spec"]["ports"][0] for each in services(node) if each["spec"].get("type") == "NodePort"]
    assert [port["nodePort"] for port in ports] == [31301, 31302]


def test_discovery_has_a_port_beside_gossip(example: Example, surroundings: Around) -> None:
    def ports(node: Node) -> list[Any]:
        (container,) = workloads(node, surroundings())["p2p-gateway"]["template"]["spec"]["containers"]
        return [(each["name"], each["protocol"], each.get("hostPort")) for each in container["ports"]][2:]

    assert ports(example("ha")) == [("p2p", "TCP", None)]
    assert ports(example("ha", p2p={"discovery": True})) == [("p2p", "TCP", None), ("discovery", "UDP", None)]
    assert ports(example("local-network")) == [("p2p", "TCP", 13001), ("discovery", "UDP", 12001)]


def test_gossip_and_discovery_share_a_gateways_way_in(example: Example) -> None:
    exposure = {"type": "NodePort", "firstNodePort": 31301}
    node = example("ha", p2p={"discovery": True, "exposure": exposure})
    made = [each["spec"]["ports"] for each in services(node) if each["spec"].get("type") == "NodePort"]
    assert [[(port["protocol"], port["targetPort"], port["nodePort"]) for port in ports] for ports in made] == [
        [("TCP", 13001, 31301), ("UDP", 12001, 31301)],
        [("TCP", 13001, 31302), ("UDP", 12001, 31302)],
    ]
    node = example("ha", p2p={"discovery": True, "exposure": {"type": "LoadBalancer", "discoveryPort": 9001}})
    balanced = [each["spec"]["ports"] for each in services(node) if each["spec"].get("type") == "LoadBalancer"]
    assert [[(port["port"], port["targetPort"]) for port in ports] for ports in balanced] == [
        [(13001, 13001), (9001, 12001)]
    ] * 2


@pytest.mark.parametrize(("tag", "nats"), [("latest", "nats:2.15.1"), ("", "nats:2.15.1"), ("1.0", "nats")])
def test_an_image_without_a_fixed_version_is_refused(tag: str, nats: str) -> None:
    with pytest.raises(ValueError, match="no fixed version"):
        Images("ssv", tag, nats)


def test_a_digest_wins_over_the_tag() -> None:
    images = Images("ssv", "1.0", "nats@sha256:" + "0" * 64, {"signer": "sha256:" + "1" * 64})
    assert images.of("signer") == "ssv/signer@sha256:" + "1" * 64
    assert images.of("consensus") == "ssv/consensus:1.0"
