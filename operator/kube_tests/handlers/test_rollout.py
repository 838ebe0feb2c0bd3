"""Upgrades go one service after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ssv_kube.handlers.drift import Key, key_of, marked
from ssv_kube.handlers.rollout import PATIENCE_S, WORKLOADS, allowed, held_back
from ssv_kube.resources.children import children
from ssv_kube.resources.images import Images
from ssv_kube.resources.node import Node, Surroundings

Manifests = list[dict[str, Any]]


@pytest.fixture
def version(example: Callable[..., Node], surroundings: Callable[..., Surroundings]) -> Callable[[str], Manifests]:
    def make(tag: str) -> Manifests:
        return children(example("ha"), surroundings(images=Images("ssv", tag, f"nats:{tag}")))

    return make


def running(manifests: Manifests, *, ready: bool = True) -> dict[Key, dict[str, Any]]:
    return {key_of(each): run(each, ready=ready) for each in manifests}


def run(manifest: dict[str, Any], *, ready: bool = True) -> dict[str, Any]:
    there = marked(manifest)
    if manifest["kind"] not in WORKLOADS:
        return there
    number = manifest["spec"]["replicas"]
    status = {"observedGeneration": 1, "updatedReplicas": number, "readyReplicas": number if ready else 0}
    return there | {"metadata": there["metadata"] | {"generation": 1}, "status": status}


def waiting(new: Manifests, live: dict[Key, dict[str, Any]], waited_s: float = 0.0) -> list[str]:
    return held_back(new, allowed(new, live, waited_s))


def test_a_new_node_starts_all_at_once(version: Callable[[str], Manifests]) -> None:
    assert waiting(version("1.0"), {}) == []


def test_nothing_waits_when_nothing_is_new(version: Callable[[str], Manifests]) -> None:
    assert waiting(version("1.0"), running(version("1.0"))) == []


def test_the_bus_goes_first_and_the_others_wait(version: Callable[[str], Manifests]) -> None:
    assert waiting(version("2.0"), running(version("1.0"))) == [
        "signer", "eth1-listener", "p2p-gateway", "duty-scheduler", "consensus"
    ]  # fmt: skip


def test_each_has_its_turn_when_those_before_it_are_ready(version: Callable[[str], Manifests]) -> None:
    new, live = version("2.0"), running(version("1.0"))
    order = []
    while waiting(new, live):
        held = waiting(new, live)
        (turn,) = [
            each
            for each in new
            if each["kind"] in WORKLOADS
            and each["metadata"]["labels"]["app.kubernetes.io/component"] not in held
            and live[key_of(each)] != run(each)
        ]
        live[key_of(turn)] = run(turn)
        order.append(turn["metadata"]["labels"]["app.kubernetes.io/component"])
    assert order == ["nats", "signer", "eth1-listener", "p2p-gateway", "duty-scheduler"]


def test_one_that_is_not_ready_holds_up_the_rest(version: Callable[[str], Manifests]) -> None:
    new, live = version("2.0"), running(version("1.0"))
    nats = next(each for each in new if each["metadata"]["name"] == "ssv-nats" and each["kind"] == "StatefulSet")
    live[key_of(nats)] = run(nats, ready=False)
    assert "signer" in waiting(new, live)


def test_but_not_for_ever(version: Callable[[str], Manifests]) -> None:
    new, live = version("2.0"), running(version("1.0"))
    nats = next(each for each in new if each["metadata"]["name"] == "ssv-nats" and each["kind"] == "StatefulSet")
    live[key_of(nats)] = run(nats, ready=False)
    assert "signer" not in waiting(new, live, PATIENCE_S)


def test_what_is_no_workload_never_waits(version: Callable[[str], Manifests]) -> None:
    old, new = version("1.0"), version("2.0")
    through = allowed(new, running(old), 0.0)
    assert [each for each in new if each["kind"] not in WORKLOADS and each not in through] == []
