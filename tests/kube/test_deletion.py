"""How a node ends: its slashing record is put away first, or after a time limit it goes without."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import pytest
from services.signer.tests.harness import Signer, make_world

from ssv_kube.handlers.farewell import FILE, RECORD_LABEL
from ssv_kube.resources.ports import GRPC
from ssv_protocol.signing import interchange
from tests.kube.control_plane import ControlPlane
from tests.kube.kubelet import Kubelet
from tests.kube.nodes import a_node
from tests.kube.release import Release
from tests.kube.site import OPERATOR, Site, a_site
from tests.kube.waiting import eventually

LONGER = {"limitSeconds": 301}


@pytest.fixture
def patient(plane: ControlPlane, kubelet: Kubelet) -> Iterator[Site]:
    """Return a namespace whose operator waits long for a record."""
    operator = OPERATOR | {"exportLimitSeconds": 300}
    with a_site(plane.api, kubelet, Release(plane, "patient"), operator=operator, uninstall=LONGER) as site:
        yield site


def records(site: Site, node: str) -> list[bytes]:
    """Return the slashing records that were put away."""
    found = [each for each in site.api.find("Secret", site.place) if _label(each) == node]
    return [b64decode(each["data"][FILE]) for each in found]


def _label(secret: dict[str, dict[str, dict[str, str]]]) -> str | None:
    return secret["metadata"].get("labels", {}).get(RECORD_LABEL)


def nothing_left(site: Site, node: str) -> bool:
    kinds = ("Pod", "StatefulSet", "Deployment", "Service", "ConfigMap", "NetworkPolicy", "ServiceAccount", "Secret")
    return not any(site.children(kind, node) for kind in kinds)


def write_certificate(site: Site, node: str, folder: Path) -> dict[str, Path]:
    """Return the signer's settings for the certificate that the operator made for it."""
    data = site.api.read("Secret", site.place, f"{node}-signer-tls")["data"]
    for file, content in data.items():
        (folder / file).write_bytes(b64decode(content))
    return {"tls_ca": folder / "ca.crt", "tls_cert": folder / "tls.crt", "tls_key": folder / "tls.key"}


async def leave_with_a_real_signer(site: Site, node: str, folder: Path) -> bytes:
    """Sign something, serve the record at the signer's pod's address, delete the node; returns the share's key."""
    world = make_world()
    signer, validator = Signer(folder, world), world.validator(1)
    async with signer.running():
        await signer.hold(validator)
        await signer.sign(world.post_consensus([validator], signer.slot))
    address = site.api.read("Pod", site.place, f"{node}-signer-0")["status"]["podIP"]
    certificate = write_certificate(site, node, folder)
    async with signer.running(**certificate, grpc_host=address, grpc_port=GRPC):
        site.api.delete("SSVNode", site.place, node)
        await asyncio.to_thread(eventually, lambda: site.gone(node), f"{node} is gone")
    return bytes(validator.share_pubkey)


def test_the_record_stays_when_the_node_goes(patient: Site, tmp_path: Path) -> None:
    node = patient.make(a_node("recorded"))
    patient.until_phase(node, "Ready")
    key = asyncio.run(leave_with_a_real_signer(patient, node, tmp_path))
    (record,) = records(patient, node)
    (kept,) = interchange.parse(record).keys
    assert bytes(kept.pubkey) == key
    assert len(kept.attestations) == 1
    eventually(lambda: nothing_left(patient, node), "children go with it")
    assert f"data-{node}-signer-0" in patient.api.names("PersistentVolumeClaim", patient.place)
    assert "slashing record is in Secret" in patient.events(node)["SlashingRecordExported"]


@pytest.mark.full
def test_a_signer_that_does_not_answer_is_waited_for_until_the_limit(site: Site) -> None:
    node = site.make(a_node("silent"))
    site.until_phase(node, "Ready")
    site.api.delete("SSVNode", site.place, node)
    eventually(lambda: site.gone(node) or site.status(node).get("phase") == "Deleting", "it says that it is leaving")
    eventually(lambda: site.gone(node), "it goes")
    assert records(site, node) == []
    assert "SlashingRecordNotExported" in site.events(node)
    eventually(lambda: nothing_left(site, node), "children go with it")


@pytest.mark.full
def test_the_workers_go_before_the_signer_is_asked(site: Site) -> None:
    node = site.make(a_node("busy"))
    site.until_phase(node, "Ready")
    site.api.delete("SSVNode", site.place, node)
    eventually(
        lambda: site.gone(node) or not site.api.find("Pod", site.place, instance=node, component="consensus"),
        "the workers are gone",
    )
    assert site.gone(node) or site.api.exists("StatefulSet", site.place, f"{node}-signer")
    eventually(lambda: site.gone(node), "it goes")


def test_a_node_may_go_without_its_record_when_asked(site: Site) -> None:
    node = site.make(a_node("unasked"))
    site.until_phase(node, "Ready")
    site.annotate(node, paused="true", skip_slashing_export="true")
    site.api.delete("SSVNode", site.place, node)
    eventually(lambda: site.gone(node), "it goes, though it is paused")
    assert records(site, node) == []


@pytest.mark.full
def test_a_node_that_never_was_complete_goes_too(site: Site) -> None:
    node = site.make(a_node("unborn", network={"name": "hoodi", "configMap": "not-there"}))
    site.until(node, "Ready", "False")
    site.api.delete("SSVNode", site.place, node)
    eventually(lambda: site.gone(node), "it goes")
