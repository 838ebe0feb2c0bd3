"""Nodes other than the simplest: highly available, seen from outside, with kinds of other projects."""

from __future__ import annotations

import tomllib
from base64 import b64decode, b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from ssv_kube.handlers.kinds import CERT_MANAGER, PROMETHEUS, Kind
from ssv_kube.resources.objects import CERTIFICATE_HASH
from ssv_runtime.certificates import issue, make_ca
from tests.kube.api import PLURALS, Manifest, Refused
from tests.kube.nodes import a_node
from tests.kube.site import Site
from tests.kube.waiting import eventually

HA = {"preset": "ha", "signer": {"database": {"secretName": "ssv-signer-database"}}}


@pytest.fixture
def node(site: Site) -> Iterator[str]:
    """Return the name of a node that a test makes; it is ended afterwards."""
    yield "variant"
    site.end("variant")


@pytest.fixture
def foreign(site: Site) -> Iterator[Any]:
    """Let the cluster know kinds of another project, with any content."""
    made = []

    def serve(*kinds: Kind) -> None:
        for kind in kinds:
            site.api.create(definition(kind))
            made.append(kind)
            PLURALS[kind.name] = f"apis/{kind.api_version}/{kind.plural}"
        eventually(lambda: all(site.api.serves(each.name) for each in kinds), "they are served")

    yield serve
    for kind in made:
        site.api.delete("CustomResourceDefinition", None, f"{kind.plural}.{kind.group}")


def definition(kind: Kind) -> Manifest:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": kind.version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"kind": kind.name, "plural": kind.plural, "singular": kind.name.lower()}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{kind.group}"},
        "spec": {"group": kind.group, "scope": "Namespaced", "names": names, "versions": [version]},
    }


def tls_secret(name: str, content: dict[str, bytes]) -> Manifest:
    data = {key: b64encode(value).decode() for key, value in content.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": "kubernetes.io/tls", "data": data}


def test_ha_has_a_pod_to_spare_of_everything_and_budgets(site: Site, node: str) -> None:
    site.make(a_node(node, **HA))
    assert site.until(node, "HighlyAvailable", "True")["reason"] == "AnyPodMayDie"
    budgets = site.api.find("PodDisruptionBudget", site.place, instance=node)
    assert len(budgets) == 6
    eventually(
        lambda: all(
            each["status"].get("disruptionsAllowed") == 1
            for each in site.api.find("PodDisruptionBudget", site.place, instance=node)
        ),
        "of each component one pod may be taken",
    )
    settings = site.api.read("ConfigMap", site.place, f"{node}-duty-scheduler")["data"]["settings.toml"]
    assert "nats_replicas = 3" in settings
    configuration = b64decode(site.api.read("Secret", site.place, f"{node}-nats")["data"]["nats.conf"]).decode()
    assert configuration.count("nats-route://") == 3


def test_each_gateway_gets_a_way_in_of_the_kind_that_is_wanted(site: Site, node: str) -> None:
    site.make(a_node(node, replicas={"p2pGateway": 2}, p2p={"exposure": {"type": "NodePort", "firstNodePort": 31301}}))
    ways = {f"{node}-p2p-gateway-0", f"{node}-p2p-gateway-1"}
    eventually(lambda: site.children("Service", node) >= ways, "a Service for each gateway")
    ports = [site.api.read("Service", site.place, name)["spec"]["ports"][0]["nodePort"] for name in sorted(ways)]
    assert ports == [31301, 31302]
    site.change(node, p2p={"exposure": {"type": "LoadBalancer", "firstNodePort": None}})

    def kinds() -> set[str]:
        return {site.api.read("Service", site.place, name)["spec"]["type"] for name in ways}

    eventually(lambda: kinds() == {"LoadBalancer"}, "they become load balancers")
    site.change(node, p2p={"exposure": {"type": "None"}})
    eventually(lambda: not site.children("Service", node) & ways, "and go again")


def test_a_gateway_announces_what_its_way_in_turned_out_to_be(site: Site, node: str) -> None:
    site.make(a_node(node, p2p={"discovery": True, "exposure": {"type": "NodePort"}}))
    name = f"{node}-p2p-gateway-0"

    def announced() -> dict[str, Any]:
        files = site.api.read("ConfigMap", site.place, f"{node}-p2p-gateway")["data"]
        told = tomllib.loads(files[f"{name}.toml"])
        return {key.removeprefix("announce_"): value for key, value in told.items() if key.startswith("announce_")}

    eventually(lambda: name in site.children("Service", node), "a Service for the gateway")
    ports = {each["name"]: each["nodePort"] for each in site.api.read("Service", site.place, name)["spec"]["ports"]}
    chosen = {"tcp_port": ports["p2p"], "udp_port": ports["discovery"]}
    eventually(lambda: announced() == chosen, "the ports that the cluster chose")
    site.change(node, p2p={"exposure": {"firstNodePort": 31303}})
    eventually(lambda: announced() == {"tcp_port": 31303, "udp_port": 31303}, "both of one number")
    ports = {each["name"]: each["nodePort"] for each in site.api.read("Service", site.place, name)["spec"]["ports"]}
    assert ports == {"p2p": 31303, "discovery": 31303}
    site.change(node, p2p={"exposure": {"type": "LoadBalancer", "firstNodePort": None}})
    eventually(lambda: site.api.read("Service", site.place, name)["spec"]["type"] == "LoadBalancer", "a load balancer")
    site.api.change_status("Service", site.place, name, {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}})
    balanced = {"ip": "192.0.2.7", "tcp_port": 13001, "udp_port": 12001}
    eventually(lambda: announced() == balanced, "the balancer's address")
    site.until_phase(node, "Ready")


def test_without_cert_manager_asking_for_it_is_answered_with_what_to_do(site: Site, node: str) -> None:
    site.make(a_node(node, certificates={"issuer": "cert-manager"}))
    found = site.until(node, "Ready", "False")
    assert found["reason"] == "NoCertManager"
    assert "install it, or set certificates.issuer to operator" in found["message"]


def test_with_cert_manager_certificates_are_asked_of_it(site: Site, node: str, foreign: Any) -> None:
    foreign(*CERT_MANAGER)
    site.make(a_node(node))
    eventually(lambda: len(site.children("Certificate", node)) == 8, "an authority, and one for each holder")
    assert site.children("Issuer", node) == {f"{node}-self-signed", f"{node}-ca"}
    assert not site.api.exists("Secret", site.place, f"{node}-signer-tls")
    ca = make_ca(datetime.now(UTC))
    for each in site.api.find("Certificate", site.place, instance=node):  # cert-manager's part, played
        pair = issue(ca, each["spec"]["commonName"], datetime.now(UTC))
        content = {"ca.crt": ca.certificate, "tls.crt": pair.certificate, "tls.key": pair.private_key}
        site.api.create(tls_secret(each["spec"]["secretName"], content), site.place)

    eventually(lambda: f"{node}-signer" in site.children("StatefulSet", node), "pods' owners follow the certificates")

    def hashes() -> set[str]:
        template = site.api.read("StatefulSet", site.place, f"{node}-signer")["spec"]["template"]
        return {template["metadata"]["annotations"].get(CERTIFICATE_HASH, "")}

    eventually(lambda: hashes() != {""}, "the pods' template tells the certificate")
    assert site.until_phase(node, "Ready")["certificateIssuer"] == "cert-manager"
    for each in site.api.find("Certificate", site.place, instance=node):
        site.api.delete("Secret", site.place, each["spec"]["secretName"])


def test_a_service_monitor_is_made_where_the_kind_is_known(site: Site, node: str, foreign: Any) -> None:
    site.make(a_node(node, monitoring={"serviceMonitor": True, "serviceMonitorLabels": {"release": "prometheus"}}))
    site.until_phase(node, "Ready")
    foreign(*PROMETHEUS)
    site.change(node, logLevel="debug")
    eventually(lambda: site.children("ServiceMonitor", node) == {node}, "a ServiceMonitor")
    assert site.api.read("ServiceMonitor", site.place, node)["metadata"]["labels"]["release"] == "prometheus"
    site.change(node, monitoring={"serviceMonitor": False})
    eventually(lambda: not site.children("ServiceMonitor", node), "none")


def test_a_pod_that_is_not_admitted_shows(site: Site, node: str) -> None:
    site.make(a_node(node, p2p={"exposure": {"type": "HostPort"}}))  # which a restricted namespace does not take
    eventually(lambda: site.status(node).get("services", {}).get("signer", {}).get("ready") == 1, "others run")
    found = site.until(node, "Ready", "False")
    assert f"no pods were made of {node}-p2p-gateway" in found["message"]


def test_what_the_definition_refuses_is_refused_with_its_sentence(site: Site, node: str) -> None:
    site.make(a_node(node))
    with pytest.raises(Refused, match="preset ha needs PostgreSQL"):
        site.change(node, preset="ha")
