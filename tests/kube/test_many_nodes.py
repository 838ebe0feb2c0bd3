"""Fifty SSVNodes and one operator: all become Ready; how long it took and how much was asked is printed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

import pytest

from ssv_kube.resources.sizing import COMPONENTS
from tests.kube.control_plane import ControlPlane
from tests.kube.kubelet import Kubelet
from tests.kube.nodes import a_node
from tests.kube.release import Release
from tests.kube.site import OPERATOR, Site, a_site
from tests.kube.waiting import eventually

pytestmark = pytest.mark.full

COUNT = 50
LIMIT_S = 900.0


@pytest.fixture(scope="module")
def usual(plane: ControlPlane, kubelet: Kubelet) -> Iterator[Site]:
    """Return a namespace whose operator looks as often as the chart has it."""
    operator = {key: value for key, value in OPERATOR.items() if key != "resyncSeconds"}
    with a_site(plane.api, kubelet, Release(plane, "many"), operator=operator) as site:
        yield site


def test_fifty_nodes_become_ready_and_go_again(usual: Site, capsys: pytest.CaptureFixture[str]) -> None:
    started_s = time.monotonic()
    names = [usual.make(a_node(f"many-{number}")) for number in range(COUNT)]

    def ready() -> bool:
        found = usual.api.find("SSVNode", usual.place)
        return [each.get("status", {}).get("phase") for each in found] == ["Ready"] * COUNT

    eventually(ready, f"{COUNT} nodes are Ready", LIMIT_S)
    took_s = time.monotonic() - started_s
    asked = usual.operator_requests()
    assert len(usual.api.find("Pod", usual.place, name="ssv")) == COUNT * len(COMPONENTS)
    idle = len(asked)
    usual.operator_turns(names[0], 2)
    idle_each = (len(usual.operator_requests()) - idle) / 2 / COUNT
    kinds = Counter(each.verb for each in asked)
    with capsys.disabled():
        said = ", ".join(f"{count} {verb}" for verb, count in kinds.most_common())
        print(f"\n{COUNT} SSVNodes Ready in {took_s:.0f} s with {len(asked)} API requests ({said});")
        print(f"when nothing happens: about {idle_each:.0f} requests a node and turn")
    for name in names:
        usual.annotate(name, skip_slashing_export="true")
        usual.api.delete("SSVNode", usual.place, name)
    eventually(lambda: not usual.api.find("SSVNode", usual.place), "all are gone", LIMIT_S)
    eventually(lambda: not usual.api.find("Pod", usual.place, name="ssv"), "and their pods", LIMIT_S)
