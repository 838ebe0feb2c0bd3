"""Fifty SSVNodes and one operator: all become Ready; how long it took and how much was asked is printed."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from ssv_kube.resources.sizing import COMPONENTS
from tests.kube.nodes import a_node
from tests.kube.site import Site
from tests.kube.waiting import eventually

COUNT = 50
LIMIT_S = 900.0


def test_fifty_nodes_become_ready_and_go_again(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    started_s = time.monotonic()
    names = [site.make(a_node(f"many-{number}")) for number in range(COUNT)]

    def ready() -> bool:
        found = site.api.find("SSVNode", site.place)
        return [each.get("status", {}).get("phase") for each in found] == ["Ready"] * COUNT

    eventually(ready, f"{COUNT} nodes are Ready", LIMIT_S)
    took_s = time.monotonic() - started_s
    asked = site.operator_requests()
    assert len(site.api.find("Pod", site.place, name="ssv")) == COUNT * len(COMPONENTS)
    idle = len(asked)
    site.operator_turns(names[0], 3)
    idle_each = (len(site.operator_requests()) - idle) / 3 / COUNT
    kinds = Counter(each.verb for each in asked)
    with capsys.disabled():
        said = ", ".join(f"{count} {verb}" for verb, count in kinds.most_common())
        print(f"\n{COUNT} SSVNodes Ready in {took_s:.0f} s with {len(asked)} API requests ({said});")
        print(f"when nothing happens: about {idle_each:.0f} requests a node and turn")
    for name in names:
        site.annotate(name, skip_slashing_export="true")
        site.api.delete("SSVNode", site.place, name)
    eventually(lambda: not site.api.find("SSVNode", site.place), "all are gone", LIMIT_S)
    eventually(lambda: not site.api.find("Pod", site.place, name="ssv"), "and their pods", LIMIT_S)
