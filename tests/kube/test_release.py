"""The chart by the real Helm: install, upgrade, rollback, test and uninstall, with its hooks as real processes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ssv_kube.model.names import CRD_NAME
from ssv_kube.resources.objects import OPERATOR_APP
from tests.kube.control_plane import ControlPlane
from tests.kube.kubelet import Kubelet
from tests.kube.nodes import a_node, a_spec
from tests.kube.release import HelmFailed, Release
from tests.kube.site import OPERATOR, Site, a_site
from tests.kube.waiting import eventually

pytestmark = pytest.mark.full

VALUES: dict[str, Any] = {
    "operator": OPERATOR,
    "uninstall": {"limitSeconds": 60},
    "node": {"create": True, "name": "own", "spec": a_spec()},
}


@pytest.fixture(scope="module")
def release(plane: ControlPlane, kubelet: Kubelet) -> Iterator[Site]:
    with a_site(plane.api, kubelet, Release(plane, "release"), **VALUES) as site:
        yield site


def image(site: Site) -> str:
    (container,) = site.api.read("Deployment", site.place, OPERATOR_APP)["spec"]["template"]["spec"]["containers"]
    return str(container["image"])


def test_installing_makes_the_operator_and_the_releases_own_node(release: Site) -> None:
    release.until_phase("own", "Ready")
    assert "helm" in release.node("own")["metadata"]["labels"]["app.kubernetes.io/managed-by"].lower()
    assert image(release) == "ssv/operator:0.1.0"


def test_helm_test_says_whether_the_node_is_ready(release: Site) -> None:
    release.until_phase("own", "Ready")
    release.release.test()
    played = release.kubelet.plays(release.place, "own", "signer")
    played.problems = {"database": "gone"}
    release.until("own", "Ready", "False")
    with pytest.raises(HelmFailed):
        release.release.test()
    assert "SSVNode own is not Ready" in release.kubelet.logs(release.place, "ssv-release-test")
    played.problems = {}
    release.until_phase("own", "Ready")


def test_an_upgrade_brings_the_definition_along_which_helm_leaves_alone(release: Site) -> None:
    release.api.change("CustomResourceDefinition", None, CRD_NAME, {"spec": {"names": {"shortNames": ["old"]}}})
    release.release.upgrade(VALUES | {"images": {"tag": "0.2.0"}})
    assert image(release) == "ssv/operator:0.2.0"

    def names() -> list[str]:
        return list(release.api.read("CustomResourceDefinition", None, CRD_NAME)["spec"]["names"]["shortNames"])

    eventually(lambda: names() == ["ssv"], "the new operator applies its definition")

    def signer() -> str:
        template = release.api.read("StatefulSet", release.place, "own-signer")["spec"]["template"]
        return str(template["spec"]["containers"][0]["image"])

    eventually(lambda: signer() == "ssv/signer:0.2.0", "the node follows")
    release.until_phase("own", "Ready")
    release.release.rollback()
    assert image(release) == "ssv/operator:0.1.0"
    eventually(lambda: signer() == "ssv/signer:0.1.0", "the node goes back too")
    release.until_phase("own", "Ready")


def test_unsafe_values_are_refused_before_anything_changes(release: Site) -> None:
    with pytest.raises(HelmFailed, match="latest is no version"):
        release.release.upgrade(VALUES | {"images": {"tag": "latest"}})
    with pytest.raises(HelmFailed, match="endpoints"):
        release.release.upgrade(VALUES | {"node": {"create": True, "spec": a_spec(beacon={"endpoints": []})}})
    moved = a_spec(network={"name": "mainnet", "configMap": "ssv-network"})
    with pytest.raises(HelmFailed, match="network can't be changed"):
        release.release.upgrade(VALUES | {"node": {"create": True, "name": "own", "spec": moved}})
    assert image(release) == "ssv/operator:0.1.0"


def test_uninstalling_is_refused_while_others_nodes_are_there(release: Site) -> None:
    release.make(a_node("foreign"))
    with pytest.raises(HelmFailed):
        release.release.uninstall()
    said = release.kubelet.logs(release.place, "ssv-before-delete")
    assert f"SSVNodes that this release did not make: {release.place}/foreign" in said
    assert not release.gone("own")
    assert release.api.exists("Deployment", release.place, OPERATOR_APP)
    release.end("foreign")


def test_uninstalling_lets_the_node_end_first_and_leaves_nothing(plane: ControlPlane, kubelet: Kubelet) -> None:
    with a_site(plane.api, kubelet, Release(plane, "leaving"), **VALUES) as site:
        site.until_phase("own", "Ready")
        site.release.uninstall()
        assert site.gone("own")
        eventually(lambda: "SlashingRecordNotExported" in site.events("own"), "its operator let it go")
        kinds = ("Deployment", "Role", "RoleBinding", "Job", "PodDisruptionBudget", "NetworkPolicy", "Pod")
        eventually(lambda: not [each for kind in kinds for each in site.api.find(kind, site.place)], "nothing is left")
        assert site.api.names("ServiceAccount", site.place) == {"default"}
        site.release.install({"operator": OPERATOR, "uninstall": {"limitSeconds": 60}})  # and once more
