"""One operator for several namespaces: it has rights in those that it is told, and sees no others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kube.control_plane import ControlPlane
from tests.kube.kubelet import Kubelet
from tests.kube.nodes import a_node, namespace, network_map
from tests.kube.release import Release
from tests.kube.site import Site, a_site
from tests.kube.waiting import eventually

WATCHED, UNWATCHED = "watched", "unwatched"


@pytest.fixture(scope="module")
def central(plane: ControlPlane, kubelet: Kubelet) -> Iterator[Site]:
    for place in (WATCHED, UNWATCHED):
        plane.api.create(namespace(place))
        eventually(lambda place=place: "default" in plane.api.names("ServiceAccount", place), "accounts")  # type: ignore[misc]
        plane.api.create(network_map(), place)
    with a_site(plane.api, kubelet, Release(plane, "central"), watchNamespaces=[WATCHED]) as site:
        yield site


def in_place(site: Site, place: str) -> Site:
    """Return another namespace, looked after by the same operator or by none."""
    return Site(site.api, site.kubelet, Release(site.release.plane, place))


def test_nodes_of_watched_namespaces_are_looked_after_and_others_are_not(central: Site) -> None:
    seen, unseen = in_place(central, WATCHED), in_place(central, UNWATCHED)
    unseen.make(a_node("unseen"))
    seen.make(a_node("seen"))
    seen.until_phase("seen", "Ready")
    assert unseen.status("unseen") == {}
    assert not unseen.children("Service", "unseen")
    refused = [each for each in central.operator_requests() if each.code == 403]
    assert refused == []
    seen.end("seen")
    unseen.api.delete("SSVNode", UNWATCHED, "unseen")
    eventually(lambda: unseen.gone("unseen"), "nobody holds it")
