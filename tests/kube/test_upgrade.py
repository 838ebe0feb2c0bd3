"""Changes of the spec: which children change, and that one service comes after the other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ssv_kube.resources.sizing import COMPONENTS
from tests.kube.nodes import a_node
from tests.kube.site import Site
from tests.kube.waiting import eventually

WORKLOADS = {each: "Deployment" if each in ("consensus", "duty-scheduler") else "StatefulSet" for each in COMPONENTS}


@pytest.fixture
def node(site: Site) -> Iterator[str]:
    name = site.make(a_node("moving"))
    site.until_phase(name, "Ready")
    yield name
    for service in COMPONENTS:
        site.kubelet.plays(site.place, name, service).problems = {}
    site.end(name)


def generations(site: Site, node: str) -> dict[str, int]:
    """Return how often each workload's spec was changed."""
    return {
        component: int(site.api.read(kind, site.place, f"{node}-{component}")["metadata"]["generation"])
        for component, kind in WORKLOADS.items()
    }


def changed(site: Site, node: str, before: dict[str, int]) -> set[str]:
    now = generations(site, node)
    return {each for each in now if now[each] != before[each]}


def carried_out(site: Site, node: str, generation: int) -> None:
    eventually(lambda: site.status(node).get("observedGeneration") == generation, "the change is carried out")


@pytest.mark.parametrize(
    ("change", "moved"),
    [
        ({"graffiti": "new"}, {"consensus"}),
        ({"execution": {"endpoints": ["http://127.0.0.1:19"]}}, {"eth1-listener"}),
        ({"p2p": {"staticPeers": ["/ip4/10.0.0.8/tcp/13001/p2p/16Uiu2HAmQpn4ihPz4tDhFmh29zd"]}}, {"p2p-gateway"}),
        ({"resources": {"signer": {"memory": "1Gi"}}}, {"signer"}),
        ({"networkPolicies": False}, set()),
    ],
    ids=["graffiti", "execution", "peers", "memory", "policies"],
)
def test_a_change_moves_the_services_that_it_concerns(
    site: Site, node: str, change: dict[str, object], moved: set[str]
) -> None:
    before = generations(site, node)
    carried_out(site, node, site.change(node, **change))
    eventually(lambda: changed(site, node, before) >= moved, "they are changed")
    site.operator_turns(node, 2)
    assert changed(site, node, before) == moved
    site.until_phase(node, "Ready")


def test_services_are_upgraded_one_after_the_other(site: Site, node: str) -> None:
    before = generations(site, node)
    site.kubelet.plays(site.place, node, "signer").problems = {"database": "still starting"}
    site.change(node, logLevel="debug")  # in the settings of all
    eventually(lambda: changed(site, node, before) == {"signer"}, "the signer is first")
    site.operator_turns(node, 3)
    assert changed(site, node, before) == {"signer"}
    site.kubelet.plays(site.place, node, "eth1-listener").problems = {"execution": "still starting"}
    site.kubelet.plays(site.place, node, "signer").problems = {}
    eventually(lambda: changed(site, node, before) == {"signer", "eth1-listener"}, "the listener is second")
    site.operator_turns(node, 3)
    assert changed(site, node, before) == {"signer", "eth1-listener"}
    site.kubelet.plays(site.place, node, "eth1-listener").problems = {}
    eventually(lambda: changed(site, node, before) == set(COMPONENTS) - {"nats"}, "the others follow")
    site.until_phase(node, "Ready")


def test_an_operator_that_is_killed_goes_on_with_an_upgrade(site: Site, node: str) -> None:
    before = generations(site, node)
    site.kubelet.plays(site.place, node, "signer").problems = {"database": "still starting"}
    site.change(node, logLevel="warning")
    eventually(lambda: changed(site, node, before) == {"signer"}, "it has begun")
    for process in site.kubelet.processes(site.place, "ssv-operator").values():
        process.kill()
    site.operator_turns(node, 2)
    assert changed(site, node, before) == {"signer"}
    site.kubelet.plays(site.place, node, "signer").problems = {}
    eventually(lambda: changed(site, node, before) == set(COMPONENTS) - {"nats"}, "it ends")
    site.until_phase(node, "Ready")


def test_from_single_to_ha_and_back_is_refused_without_a_database(site: Site, node: str) -> None:
    with pytest.raises(Exception, match="preset ha needs PostgreSQL"):
        site.change(node, preset="ha")
