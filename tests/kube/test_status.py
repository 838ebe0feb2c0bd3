"""What a person sees of a node: phases, conditions with remedies, columns, events."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from ssv_kube.model.status import CONDITIONS
from tests.kube.nodes import NOBODY, a_node
from tests.kube.release import kubectl
from tests.kube.site import Site
from tests.kube.waiting import eventually

METRICS = {
    "signer": {"ssv_signer_shares_active": 500.0},
    "consensus": {"ssv_consensus_committees": 7.0, "ssv_consensus_last_decided_slot": 123.0},
    "p2p-gateway": {"ssv_p2p_gateway_peers": 20.0},
    "eth1-listener": {"ssv_eth1_listener_lag_blocks": 8.0},
    "duty-scheduler": {"ssv_duty_scheduler_waiting_validators": 0.0},
}


@pytest.fixture(scope="module")
def node(site: Site) -> Iterator[str]:
    for service, metrics in METRICS.items():
        site.kubelet.plays(site.place, "seen", service).metrics = metrics
    name = site.make(a_node("seen"))
    site.until_phase(name, "Ready")
    yield name
    site.end(name)


def shown(site: Site, *arguments: str) -> str:
    return kubectl(site.release.plane, site.place, *arguments)


def test_a_ready_node_says_what_it_does(site: Site, node: str) -> None:
    eventually(lambda: site.status(node).get("peers") == 20, "the gateway's peers are counted")
    status = site.status(node)
    assert (status["validators"], status["lastDecidedSlot"], status["message"]) == (500, 123, "")
    assert list(status["committeesHeld"].values()) == [7]
    assert {each["type"] for each in status["conditions"]} == set(CONDITIONS)
    assert site.condition(node, "Synced")["status"] == "True"
    assert site.condition(node, "HighlyAvailable")["reason"] == "PresetSingle"
    assert site.condition(node, "SafetyDelay")["status"] == "False"
    assert site.condition(node, "TwinDetected")["reason"] == "NobodySeen"


def test_kubectl_get_shows_it_in_a_line(site: Site, node: str) -> None:
    columns, line = shown(site, "get", "ssv").splitlines()
    assert columns.split() == ["NAME", "NETWORK", "PRESET", "READY", "PHASE", "VALIDATORS", "PEERS", "DECIDED", "AGE"]
    assert line.split()[:8] == f"{node} hoodi single True Ready 500 20 123".split()
    assert "MESSAGE" in shown(site, "get", "ssvnodes", "-o", "wide")


def test_kubectl_describe_and_explain_tell_the_rest(site: Site, node: str) -> None:
    described = shown(site, "describe", "ssv", node)
    for condition in CONDITIONS:
        assert re.search(rf"Type:\s+{condition}\b", described)
    assert re.search(r"Normal\s+Ready", described)
    assert "at most 32 bytes" in shown(site, "explain", "ssvnode.spec.graffiti")


@pytest.mark.parametrize(
    ("service", "dependency", "condition", "remedy"),
    [
        ("consensus", "beacon", "BeaconHealthy", "beacon.endpoints"),
        ("eth1-listener", "execution", "ExecutionHealthy", "execution.endpoints"),
        ("signer", "database", "SignerReady", "signer.database"),
    ],
)
def test_what_is_wrong_comes_with_a_remedy_and_goes_again(
    site: Site, node: str, service: str, dependency: str, condition: str, remedy: str
) -> None:
    played = site.kubelet.plays(site.place, node, service)
    played.problems = {dependency: "connection refused"}
    found = site.until(node, condition, "False")
    assert "connection refused" in found["message"]
    assert remedy in found["message"]
    site.until(node, "Ready", "False")
    assert site.status(node)["phase"] == "Degraded"
    assert "connection refused" in shown(site, "get", "ssv", node, "-o", "wide")
    played.problems = {}
    assert site.until(node, condition, "True")["lastTransitionTime"] >= found["lastTransitionTime"]
    site.until_phase(node, "Ready")


def test_a_signer_that_waits_says_until_when(site: Site, node: str) -> None:
    played = site.kubelet.plays(site.place, node, "signer")
    played.problems = {"record": "committees 0a1b sign again from epoch 9 on"}
    assert "from epoch 9 on" in site.until(node, "SafetyDelay", "True")["message"]
    played.problems = {}
    site.until(node, "SafetyDelay", "False")
    site.until_phase(node, "Ready")


def test_a_missing_network_file_is_named(site: Site) -> None:
    name = site.make(a_node("lost", network={"name": "hoodi", "configMap": "not-there"}))
    found = site.until(name, "Ready", "False")
    assert (found["reason"], site.status(name)["phase"]) == ("NetworkFileMissing", "Pending")
    assert "ConfigMap not-there" in found["message"]
    eventually(lambda: "NetworkFileMissing" in site.events(name), "an event says so")
    site.end(name)


def test_a_beacon_node_that_is_not_there_is_named(site: Site) -> None:
    name = site.make(a_node("dark", network={"name": "hoodi"}))
    found = site.until(name, "Ready", "False")
    assert found["reason"] == "NoBeaconNode"
    assert NOBODY in found["message"]
    assert "beacon.endpoints" in found["message"]
    site.end(name)


def test_a_paused_node_is_left_as_it_is(site: Site, node: str) -> None:
    site.annotate(node, paused="true")
    site.until_phase(node, "Paused")
    site.api.delete("Service", site.place, f"{node}-signer")
    generation = site.change(node, graffiti="while paused")
    site.operator_turns(node, 2)
    assert not site.api.exists("Service", site.place, f"{node}-signer")
    assert site.status(node)["observedGeneration"] < generation
    site.annotate(node, paused=None)
    eventually(lambda: site.api.exists("Service", site.place, f"{node}-signer"), "it is repaired")
    eventually(lambda: site.status(node)["observedGeneration"] == generation, "it is carried out")
    site.until_phase(node, "Ready")
