"""Pods tell how they are: asked over HTTP, of a health server of the services' own kind."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ssv_kube.handlers.observation import before_it_answers, observe, sums
from ssv_runtime.health import Health
from ssv_runtime.logs import make_logger
from ssv_runtime.metrics import Metrics


def pod(service: str = "signer", address: str | None = "127.0.0.1", **status: Any) -> dict[str, Any]:
    labels = {"app.kubernetes.io/component": service}
    return {"metadata": {"name": f"ssv-{service}-0", "labels": labels}, "status": {"podIP": address, **status}}


@pytest.fixture
def health() -> Health:
    metrics = Metrics("signer")
    metrics.gauge("shares_active", "Shares").set(12)
    return Health(make_logger("signer"), metrics, asyncio.Event())


@pytest.mark.asyncio
async def test_a_ready_pod(health: Health) -> None:
    health.dependency("database").up()
    async with health.serving("127.0.0.1", 0) as port:
        (report,) = await observe([pod()], port)
    assert report.ready
    assert report.metrics["ssv_signer_shares_active"] == 12


@pytest.mark.asyncio
async def test_a_pod_that_waits_says_for_what(health: Health) -> None:
    health.dependency("database").down("the server is starting")
    async with health.serving("127.0.0.1", 0) as port:
        (report,) = await observe([pod()], port)
    assert not report.ready
    assert report.problems == {"database": "the server is starting"}
    assert report.metrics["ssv_signer_shares_active"] == 12


@pytest.mark.asyncio
async def test_a_pod_without_an_address_is_spoken_for_by_kubernetes() -> None:
    waiting = {"state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}
    (report,) = await observe([pod(address=None, phase="Pending", containerStatuses=[waiting])])
    assert report.problems == {"pod": "ImagePullBackOff: no such image"}


@pytest.mark.asyncio
async def test_a_pod_that_does_not_answer_is_not_ready(health: Health) -> None:
    async with health.serving("127.0.0.1", 0) as port:
        pass  # the port was free a moment ago
    (report,) = await observe([pod(phase="Running")], port)
    assert not report.ready
    assert "health can't be read" in report.problems["pod"]


@pytest.mark.asyncio
async def test_pods_that_are_no_service_are_not_asked() -> None:
    assert await observe([pod("nats")]) == []


def test_a_pod_that_finds_no_place_says_so() -> None:
    unscheduled = {"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"}
    assert before_it_answers(pod(conditions=[unscheduled])) == "not scheduled: 0/3 nodes are available"


def test_labels_are_summed_up() -> None:
    assert sums('peers{topic="a"} 2\npeers{topic="b"} 3\n') == {"peers": 5.0}
