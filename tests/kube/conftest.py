"""One control plane for all tests here. Where its programs are not, the tests say so and do not run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kube.api import Api
from tests.kube.assets import NoAssets
from tests.kube.control_plane import ControlPlane, running_control_plane
from tests.kube.kubelet import Kubelet
from tests.kube.pod_process import Ground
from tests.kube.release import Release, bring_definition
from tests.kube.site import Site, a_site


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Return a control plane that runs."""
    try:
        with running_control_plane(tmp_path_factory.mktemp("kube") / "plane", bring_definition) as plane:
            yield plane
    except NoAssets as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def api(plane: ControlPlane) -> Api:
    """Return an administrator."""
    return plane.api


@pytest.fixture(scope="session")
def kubelet(plane: ControlPlane) -> Iterator[Kubelet]:
    """Return what plays the kubelet."""
    folder = plane.folder / "pods"
    folder.mkdir()
    hosts = folder / "hosts"
    hosts.touch()
    kubelet = Kubelet(plane.api, Ground(plane.url, plane.credentials.file("ca.crt"), hosts), folder)
    kubelet.start()
    yield kubelet
    kubelet.stop()
    assert kubelet.failures == []


@pytest.fixture(scope="session")
def site(plane: ControlPlane, kubelet: Kubelet) -> Iterator[Site]:
    """Return a namespace with one operator, for all tests that want no other; each ends the nodes that it makes."""
    with a_site(plane.api, kubelet, Release(plane, "usual")) as site:
        yield site
