"""What is said about a node: every condition that is not well names what to do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from ssv_kube.handlers.node_status import as_manifest, failed_status, observed_status
from ssv_kube.handlers.observation import PodReport
from ssv_kube.model.status import CONDITIONS, Condition, SSVNodeStatus
from ssv_kube.resources.node import Node
from ssv_kube.resources.sizing import SERVICES, replicas

Example = Callable[..., Node]
METRICS = {
    "signer": {"ssv_signer_shares_active": 500.0},
    "consensus": {"ssv_consensus_committees": 7.0, "ssv_consensus_last_decided_slot": 123.0},
    "p2p-gateway": {"ssv_p2p_gateway_peers": 20.0},
    "eth1-listener": {"ssv_eth1_listener_lag_blocks": 8.0},
    "duty-scheduler": {"ssv_duty_scheduler_waiting_validators": 0.0},
}


def healthy(node: Node) -> list[PodReport]:
    return [
        PodReport(service, f"ssv-{service}-{number}", True, {}, METRICS.get(service, {}))
        for service in SERVICES
        for number in range(replicas(node, service))
    ]


def status(node: Node, reports: list[PodReport], now: datetime, nats: int = 3, **before: Any) -> SSVNodeStatus:
    return observed_status(node, reports, nats, "operator", before, 4, now)


def condition(said: SSVNodeStatus, kind: str) -> Condition:
    return next(each for each in said.conditions if each.type == kind)


def ailing(node: Node, service: str, dependency: str, reason: str) -> list[PodReport]:
    return [
        PodReport(each.service, each.pod, False, {dependency: reason}, each.metrics)
        if each.service == service
        else each
        for each in healthy(node)
    ]


def test_a_healthy_node_is_ready_and_says_how_much_it_does(example: Example, now: datetime) -> None:
    said = status(example("ha"), healthy(example("ha")), now)
    assert said.phase == "Ready"
    assert said.message == ""
    assert (said.validators, said.last_decided_slot, said.peers) == (500, 123, 40)
    assert said.committees_held == {f"ssv-consensus-{number}": 7 for number in range(3)}
    assert said.observed_generation == 4
    for kind in ("Ready", "HighlyAvailable", "Synced", "SignerReady", "BeaconHealthy", "ExecutionHealthy"):
        assert condition(said, kind).status == "True", kind
    assert condition(said, "Degraded").status == "False"


def test_all_conditions_are_always_there(example: Example, now: datetime) -> None:
    assert tuple(each.type for each in status(example("single"), [], now, nats=0).conditions) == CONDITIONS


def test_what_nobody_tells_is_unknown(example: Example, now: datetime) -> None:
    said = status(example("ha"), healthy(example("ha")), now)
    assert condition(said, "TwinDetected").status == "False"
    nobody = status(example("ha"), [], now)
    assert condition(nobody, "BeaconHealthy").status == "Unknown"
    assert condition(nobody, "SafetyDelay").status == "Unknown"


def test_a_signer_after_a_cold_start_says_so_and_is_to_be_waited_for(example: Example, now: datetime) -> None:
    node = example("single")
    assert condition(status(node, healthy(node), now), "SafetyDelay").status == "False"
    said = status(node, ailing(node, "signer", "record", "committees 0a1b sign again from epoch 9 on"), now)
    found = condition(said, "SafetyDelay")
    assert (found.status, found.reason) == ("True", "ColdStart")
    assert "from epoch 9 on" in found.message
    assert "see SafetyDelay" in condition(said, "SignerReady").message


def test_single_is_never_highly_available_and_says_why(example: Example, now: datetime) -> None:
    found = condition(status(example("single"), healthy(example("single")), now), "HighlyAvailable")
    assert found.status == "False"
    assert "preset ha" in found.message


def test_one_pod_short_is_not_highly_available(example: Example, now: datetime) -> None:
    node = example("ha")
    reports = [each for each in healthy(node) if each.pod != "ssv-signer-1"]
    found = condition(status(node, reports, now), "HighlyAvailable")
    assert (found.status, found.reason) == ("False", "PodsNotReady")
    assert "signer" in found.message


def test_two_servers_of_the_bus_are_too_few(example: Example, now: datetime) -> None:
    node = example("ha")
    assert condition(status(node, healthy(node), now, nats=2), "HighlyAvailable").status == "False"


@pytest.mark.parametrize(
    ("service", "dependency", "kind", "remedy"),
    [
        ("consensus", "beacon", "BeaconHealthy", "beacon.endpoints"),
        ("eth1-listener", "execution", "ExecutionHealthy", "execution.endpoints"),
        ("signer", "database", "SignerReady", "signer.database"),
    ],
)
def test_what_is_wrong_comes_with_its_reason_and_a_remedy(
    example: Example, now: datetime, service: str, dependency: str, kind: str, remedy: str
) -> None:
    node = example("ha")
    said = status(node, ailing(node, service, dependency, "connection refused"), now, phase="Ready")
    found = condition(said, kind)
    assert found.status == "False"
    assert "connection refused" in found.message
    assert remedy in found.message
    assert condition(said, "Ready").status == "False"
    assert said.phase == "Degraded"
    assert "connection refused" in said.message


def test_a_reading_registry_is_not_synced(example: Example, now: datetime) -> None:
    node = example("single")
    reports = [each for each in healthy(node) if each.service != "eth1-listener"]
    reports.append(PodReport("eth1-listener", "l", True, {}, {"ssv_eth1_listener_lag_blocks": 100_000.0}))
    assert condition(status(node, reports, now), "Synced").reason == "Reading"


def test_pods_that_nobody_makes_are_missed(example: Example, now: datetime) -> None:
    node = example("single")
    reports = [each for each in healthy(node) if each.service != "p2p-gateway"]
    found = condition(status(node, reports, now), "Ready")
    assert "no pods were made of ssv-p2p-gateway" in found.message
    assert "kubectl get events" in found.message


def test_a_node_that_was_never_ready_starts(example: Example, now: datetime) -> None:
    node = example("single")
    assert status(node, [], now, nats=0).phase == "Starting"
    assert status(node, [], now, nats=0, phase="Starting").phase == "Starting"


def test_times_stay_while_a_condition_does(example: Example, now: datetime) -> None:
    node = example("ha")
    first = [as_manifest(each) for each in status(node, healthy(node), now).conditions]
    later = now + timedelta(hours=1)
    said = status(node, ailing(node, "signer", "database", "gone"), later, conditions=first)
    moved = {each.type for each in said.conditions if each.last_transition_time == later.strftime("%Y-%m-%dT%H:%M:%SZ")}
    assert moved == {"Ready", "Degraded", "SignerReady", "HighlyAvailable"}


def test_a_failure_says_what_to_do_and_keeps_the_rest(example: Example, now: datetime) -> None:
    before = as_manifest(status(example("ha"), healthy(example("ha")), now))
    said = failed_status("Pending", "NoBeaconNode", "see beacon.endpoints", before, 5, now)
    kinds = {each["type"]: each for each in said["conditions"]}
    assert kinds["Ready"]["reason"] == "NoBeaconNode"
    assert kinds["SignerReady"]["status"] == "True"
    assert said["message"] == "see beacon.endpoints"
    assert "validators" not in said


def test_messages_stay_short_however_many_pods_there_are(example: Example, now: datetime) -> None:
    node = example("ha", replicas={"consensus": 50})
    said = status(node, ailing(node, "consensus", "beacon", "refused"), now)
    assert said.message.endswith("; and 42 more")


def test_validators_that_wait_show(example: Example, now: datetime) -> None:
    waits = {"ssv_duty_scheduler_waiting_validators": 3.0}
    reports = [
        PodReport(each.service, each.pod, True, {}, waits if each.service == "duty-scheduler" else each.metrics)
        for each in healthy(example("single"))
    ]
    found = condition(status(example("single"), reports, now), "TwinDetected")
    assert (found.status, found.reason) == ("Unknown", "Looking")
    assert "3 validators wait" in found.message
    off = condition(status(example("single", doppelgangerProtection=False), reports, now), "TwinDetected")
    assert off.reason == "NotLooking"
