"""What each gateway says of where peers reach it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from typing import Any

import pytest

from ssv_kube.resources.announcements import announcement, ways_in
from ssv_kube.resources.config_maps import config_maps
from ssv_kube.resources.node import Node, Surroundings, WayIn
from ssv_kube.resources.pods import GATEWAY_ID, pod_template

Example = Callable[..., Node]
Around = Callable[..., Surroundings]
FIRST, SECOND = "ssv-p2p-gateway-0", "ssv-p2p-gateway-1"


def said(node: Node, around: Surroundings, ordinal: int = 0) -> tuple[Any, ...]:
    return tuple(announcement(node, around, ordinal).values())


def service(name: str, spec: dict[str, Any], **status: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": spec, "status": status}


def test_what_nobody_knows_is_left_to_the_gateway(example: Example, surroundings: Around) -> None:
    assert said(example("single", p2p={"discovery": True}), surroundings()) == (None, None, None)


def test_a_load_balancers_address_and_ports(example: Example, surroundings: Around) -> None:
    node = example("ha", p2p={"discovery": True, "exposure": {"type": "LoadBalancer", "port": 4000}})
    found = {FIRST: WayIn(ip="192.0.2.1"), SECOND: WayIn(ip="192.0.2.2")}
    assert said(node, surroundings(ways_in=found)) == ("192.0.2.1", 4000, 12001)
    assert said(node, surroundings(ways_in=found), 1) == ("192.0.2.2", 4000, 12001)


def test_node_ports_that_are_named_follow_on(example: Example, surroundings: Around) -> None:
    exposure = {"type": "NodePort", "firstNodePort": 31301}
    node = example("ha", p2p={"discovery": True, "announceIp": "192.0.2.1", "exposure": exposure})
    assert said(node, surroundings(), 1) == ("192.0.2.1", 31302, 31302)


def test_node_ports_that_the_cluster_chose_are_taken_from_the_service(example: Example, surroundings: Around) -> None:
    node = example("ha", p2p={"discovery": True, "exposure": {"type": "NodePort"}})
    assert said(node, surroundings()) == (None, None, None)
    assert said(node, surroundings(ways_in={FIRST: WayIn(None, 30111, 30222)})) == (None, 30111, 30222)


def test_what_the_spec_says_wins(example: Example, surroundings: Around) -> None:
    ports = {"announceTcpPort": 443, "announceUdpPort": 53}
    behind = {"discovery": True, "announceIp": "192.0.2.9", "exposure": {"type": "LoadBalancer"}}
    node = example("ha", p2p=behind | ports)
    assert said(node, surroundings(ways_in={FIRST: WayIn(ip="192.0.2.1")})) == ("192.0.2.9", 443, 53)
    assert said(node, surroundings(), 1) == ("192.0.2.9", 444, 54)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (service(FIRST, {"type": "LoadBalancer"}), WayIn()),
        (service(FIRST, {"type": "LoadBalancer"}, loadBalancer={"ingress": [{"ip": "192.0.2.1"}]}), WayIn("192.0.2.1")),
        (service(FIRST, {"type": "LoadBalancer"}, loadBalancer={"ingress": [{"hostname": "a.example"}]}), WayIn()),
        (
            service(
                FIRST,
                {"type": "NodePort", "ports": [{"name": "p2p", "nodePort": 1}, {"name": "discovery", "nodePort": 2}]},
            ),
            WayIn(None, 1, 2),
        ),
    ],
)
def test_what_a_service_turned_out_to_be(given: dict[str, Any], found: WayIn) -> None:
    assert ways_in([given, service("ssv-signer", {"clusterIP": "None"})]) == {FIRST: found}


def test_each_gateway_reads_a_file_of_its_own(example: Example, surroundings: Around) -> None:
    node = example("ha", p2p={"discovery": True, "exposure": {"type": "LoadBalancer"}})
    around = surroundings(ways_in={SECOND: WayIn(ip="192.0.2.2")})
    (files,) = [each["data"] for each in config_maps(node, around) if each["metadata"]["name"] == "ssv-p2p-gateway"]
    assert {name: tomllib.loads(text).get("announce_ip") for name, text in files.items()} == {
        f"{FIRST}.toml": None,
        f"{SECOND}.toml": "192.0.2.2",
    }
    (container,) = pod_template(node, around, "p2p-gateway")["spec"]["containers"]
    path = container["args"][1].replace(f"$({GATEWAY_ID})", FIRST)
    (mount,) = [each["mountPath"] for each in container["volumeMounts"] if each["name"] == "settings"]
    assert path == f"{mount}/{FIRST}.toml"


def test_without_discovery_nothing_is_announced(example: Example, surroundings: Around) -> None:
    maps = config_maps(example("ha"), surroundings(ways_in={FIRST: WayIn(ip="192.0.2.1")}))
    (files,) = [each["data"] for each in maps if each["metadata"]["name"] == "ssv-p2p-gateway"]
    assert not [text for text in files.values() if "announce" in text]
