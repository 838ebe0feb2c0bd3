"""Two operators: one leads; another goes on when the leader ends, is killed, or is started again in the middle."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ssv_kube.resources.objects import OPERATOR_APP
from tests.kube.control_plane import ControlPlane
from tests.kube.kubelet import Kubelet
from tests.kube.nodes import a_node
from tests.kube.release import Release
from tests.kube.site import OPERATOR, Site, a_site
from tests.kube.waiting import eventually

pytestmark = pytest.mark.full

LEADS = "this operator leads now"


@pytest.fixture(scope="module")
def two(plane: ControlPlane, kubelet: Kubelet) -> Iterator[Site]:
    with a_site(plane.api, kubelet, Release(plane, "leader"), operator=OPERATOR | {"replicas": 2}) as site:
        yield site


def leader(site: Site) -> str:
    """Return the name of the leader's pod; empty when nobody leads."""
    return str(site.api.read("Lease", site.place, OPERATOR_APP)["spec"].get("holderIdentity") or "")


def led(site: Site) -> str:
    """Return the leader once there is one that lives."""
    eventually(lambda: leader(site) in site.kubelet.processes(site.place, OPERATOR_APP), "somebody leads")
    return leader(site)


def test_one_leads_and_the_other_waits(two: Site) -> None:
    processes = two.kubelet.processes(two.place, OPERATOR_APP)
    assert len(processes) == 2
    assert led(two) in processes
    assert two.kubelet.logs(two.place, OPERATOR_APP).count(LEADS) == 1


def test_when_the_leader_is_killed_the_other_takes_over_and_goes_on(two: Site) -> None:
    name = two.make(a_node("taken-over"))
    two.until_phase(name, "Ready")
    first = led(two)
    transitions = two.api.read("Lease", two.place, OPERATOR_APP)["spec"]["leaseTransitions"]
    two.kubelet.freeze(two.place, first)  # a machine that is gone: nothing is released, nobody starts it again
    two.api.delete("Deployment", two.place, f"{name}-consensus")
    eventually(lambda: leader(two) not in ("", first), "the other leads")
    eventually(lambda: two.api.exists("Deployment", two.place, f"{name}-consensus"), "the other repairs")
    assert two.api.read("Lease", two.place, OPERATOR_APP)["spec"]["leaseTransitions"] == transitions + 1
    two.kubelet.thaw(two.place, first)
    eventually(lambda: "this operator leads no more" in two.kubelet.logs(two.place, first), "the first one steps down")
    assert led(two) != first
    two.end(name)


def test_a_leader_that_ends_hands_over_at_once(two: Site) -> None:
    first = led(two)
    two.api.delete("Pod", two.place, first)
    eventually(lambda: leader(two) not in ("", first), "a successor leads")
    released = two.kubelet.logs(two.place, first)
    assert "could not be released" not in released


def test_an_operator_that_is_killed_in_the_middle_leaves_nothing_half_done(two: Site) -> None:
    name = two.make(a_node("midway"))
    eventually(lambda: two.children("Service", name), "it has begun")
    two.kubelet.processes(two.place, led(two))[leader(two)].kill()
    two.until_phase(name, "Ready")
    assert len(two.children("Deployment", name) | two.children("StatefulSet", name)) == 6
    two.end(name)


def test_all_operators_may_end_and_come_back(two: Site) -> None:
    name = two.make(a_node("alone"))
    two.until_phase(name, "Ready")
    two.api.change("Deployment", two.place, OPERATOR_APP, {"spec": {"replicas": 0}})
    eventually(lambda: not two.kubelet.processes(two.place, OPERATOR_APP), "no operator")
    two.api.delete("Service", two.place, f"{name}-signer")
    two.api.delete("SSVNode", two.place, name)  # its finalizer holds it while nobody looks
    assert "deletionTimestamp" in two.node(name)["metadata"]
    two.api.change("Deployment", two.place, OPERATOR_APP, {"spec": {"replicas": 2}})
    eventually(lambda: two.gone(name), "it ends after all")


def test_operators_that_are_refused_are_not_ready(two: Site) -> None:
    def ready() -> int:
        return int(two.api.read("Deployment", two.place, OPERATOR_APP)["status"].get("readyReplicas", 0))

    eventually(lambda: ready() == 2, "the leader and the other are ready")
    binding = two.api.read("RoleBinding", two.place, f"{OPERATOR_APP}-leader")
    two.api.delete("RoleBinding", two.place, f"{OPERATOR_APP}-leader")
    eventually(lambda: ready() == 0, "neither is")
    about = {key: binding["metadata"][key] for key in ("name", "labels", "annotations")}
    two.api.create({**binding, "metadata": about}, two.place)
    eventually(lambda: ready() == 2, "both are again")


def test_logs_hold_no_secret(two: Site) -> None:
    text = two.kubelet.logs(two.place, OPERATOR_APP)
    assert LEADS in text
    for token in Path(two.release.plane.folder).glob(f"pods/{two.place}.*/serviceaccount/token"):
        assert token.read_text() not in text
    assert "PRIVATE KEY" not in text
