"""The network file of a node that names none: made of what its beacon node says, found by its name, and kept."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest
from aiohttp import web

from ssv_protocol.networks import HOODI
from ssv_runtime.network_file import decode_network
from tests.kube.api import Api
from tests.kube.kubelet import Kubelet
from tests.kube.nodes import a_chain, a_node
from tests.kube.site import Site
from tests.kube.waiting import eventually
from tests.support.fake_beacon import FakeBeacon

PLACE, PORT = "ethereum", 5052
URL = f"http://beacon.{PLACE}.svc:{PORT}"


@pytest.fixture
def beacon(api: Api, kubelet: Kubelet) -> Iterator[threading.Event]:
    """Let there be a beacon node at its Service's name, until the event is set."""
    assert kubelet.failures == []
    labels = {"app": "beacon"}
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": PLACE}})
    eventually(lambda: "default" in api.names("ServiceAccount", PLACE), "the namespace has accounts")
    service = {"clusterIP": "None", "selector": labels, "ports": [{"port": PORT}]}
    api.create({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "beacon"}, "spec": service}, PLACE)
    spec = {"containers": [{"name": "beacon", "image": "beacon:1"}]}
    api.create(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "beacon", "labels": labels}, "spec": spec}, PLACE
    )
    eventually(lambda: "podIP" in api.read("Pod", PLACE, "beacon")["status"], "the pod has an address")
    address = api.read("Pod", PLACE, "beacon")["status"]["podIP"]
    stop, serves = threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_serve(address, serves, stop)))
    thread.start()
    serves.wait()
    yield stop
    stop.set()
    thread.join()
    api.delete("Namespace", None, PLACE)


async def _serve(address: str, serves: threading.Event, stop: threading.Event) -> None:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", FakeBeacon({}, a_chain()).answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, address, PORT).start()
    serves.set()
    await asyncio.to_thread(stop.wait)
    await runner.cleanup()


def test_it_is_made_of_the_beacon_nodes_word_and_outlives_it(site: Site, beacon: threading.Event) -> None:
    node = site.make(a_node("described", network={"name": "hoodi"}, beacon={"endpoints": [URL]}))
    site.until_phase(node, "Ready")

    def file() -> str:
        return str(site.api.read("ConfigMap", site.place, f"{node}-network")["data"]["network.json"])

    told = decode_network(file().encode())
    assert told.ssv == HOODI
    assert told.chain.genesis_validators_root == a_chain().genesis_validators_root
    assert told.chain.slots_per_epoch == a_chain().slots_per_epoch
    before = file()
    beacon.set()
    generation = site.change(node, graffiti="without a beacon node")
    eventually(lambda: site.status(node)["observedGeneration"] == generation, "the change is carried out all the same")
    assert file() == before
    site.end(node)
