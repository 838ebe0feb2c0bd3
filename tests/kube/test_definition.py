"""The resource definition: what the API server takes, and what it refuses with which sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ssv_kube.model.crd import crd
from ssv_kube.model.names import CRD_NAME
from ssv_kube.model.rules import NETWORK_RULES, RESOURCE_RULES, SPEC_RULES
from tests.kube.api import Api, Manifest, Refused
from tests.kube.nodes import a_node, namespace
from tests.kube.waiting import eventually

PLACE = "definition"
EXAMPLES = sorted((Path(__file__).parents[2] / "helm" / "ssv" / "examples").glob("*.yaml"))
DATABASE = {"signer": {"database": {"secretName": "db"}}}
EXTERNAL = {"nats": {"external": {"url": "nats://bus:4222", "passwordsSecret": "bus"}}}
LOCAL = {"network": {"name": "local", "contract": "0x" + "ab" * 20}}


@pytest.fixture(scope="module", autouse=True)
def _place(api: Api) -> None:
    api.apply(crd())
    eventually(lambda: conditions(api).get("Established") == "True", "the definition is established")
    eventually(lambda: api.create(namespace(PLACE)), "a namespace")


def conditions(api: Api) -> dict[str, str]:
    status = api.read("CustomResourceDefinition", None, CRD_NAME).get("status", {})
    return {each["type"]: each["status"] for each in status.get("conditions") or ()}


@pytest.fixture
def made(api: Api) -> Any:
    """Make a node for one test."""
    names = []

    def make(node: Manifest) -> Manifest:
        done = api.create(node, PLACE)
        names.append(node["metadata"]["name"])
        return done

    yield make
    for name in names:
        api.delete("SSVNode", PLACE, name)


def refusal(api: Api, node: Manifest) -> str:
    with pytest.raises(Refused) as refused:
        api.create(node, PLACE)
    assert refused.value.status == 422
    return str(refused.value)


def test_the_api_server_finds_the_schema_structural(api: Api) -> None:
    assert conditions(api).get("NonStructuralSchema", "False") == "False"
    assert conditions(api)["NamesAccepted"] == "True"


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_examples_are_taken(file: Path, made: Any) -> None:
    values = yaml.safe_load(file.read_text())
    made(a_node() | {"spec": values["node"]["spec"]})


def test_defaults_are_filled_in(made: Any) -> None:
    spec = made(a_node())["spec"]
    assert spec["preset"] == "single"
    assert spec["storage"]["signer"] == "2Gi"
    assert spec["p2p"]["exposure"] == {"type": "None", "port": 13001, "discoveryPort": 12001}
    assert spec["p2p"]["discovery"] is False
    assert (spec["doppelgangerProtection"], spec["onSlashing"]) == (True, "stop-validator")
    assert spec["operatorKey"]["key"] == "operator_key.json"
    assert spec["networkPolicies"] is True


BAD_AND_GOOD: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("preset ha needs PostgreSQL", {"preset": "ha"}, {"preset": "ha", **DATABASE}),
    (
        "several signers need one PostgreSQL",
        {"replicas": {"signer": 2}},
        {"replicas": {"signer": 2}, **DATABASE},
    ),
    (
        "loses blocks; allowUnsafeProposerDelay allows it",
        {"proposerDelayMs": 1651},
        {"proposerDelayMs": 1651, "allowUnsafeProposerDelay": True},
    ),
    ("the exporter does not exist", {"exporter": {"enabled": True}}, {"exporter": {"enabled": False}}),
    ("graffiti has more than 32 bytes", {"graffiti": "ä" * 17}, {"graffiti": "ä" * 16}),
    ("replicas.nats is for an own NATS", {**EXTERNAL, "replicas": {"nats": 3}}, {"replicas": {"nats": 3}}),
    (
        "contract and fromBlock are for the local network only",
        {"network": {"name": "hoodi", "fromBlock": 1}},
        {"network": {**LOCAL["network"], "fromBlock": 1}},
    ),
    (
        "a local network needs contract",
        {"network": {"name": "local"}},
        {"network": {"name": "local", "configMap": "own"}},
    ),
    (
        "signer.coldStart trust-disk is for a record",
        {"signer": {"coldStart": "trust-disk", **DATABASE["signer"]}},
        {"signer": {"coldStart": "trust-disk"}},
    ),
    (
        "bootnodes, announceIp, announceTcpPort and announceUdpPort are for discovery",
        {"p2p": {"announceIp": "192.0.2.1"}},
        {"p2p": {"discovery": True, "announceIp": "192.0.2.1"}},
    ),
    (
        "p2p.discovery needs somebody to ask first",
        {"network": {"name": "hoodi"}, "p2p": {"discovery": True}},
        {"network": {"name": "hoodi"}, "p2p": {"discovery": True, "bootnodes": ["enr:-abc_1"]}},
    ),
    (
        "nobody can reach announceIp 0.0.0.0",
        {"p2p": {"discovery": True, "announceIp": "0.0.0.0"}},
        {"p2p": {"discovery": True, "announceIp": "2001:db8::1"}},
    ),
    (
        "announceUdpPort without announceIp is not announced",
        {"p2p": {"discovery": True, "announceUdpPort": 12001}},
        {"p2p": {"discovery": True, "announceTcpPort": 13001}},
    ),
    (
        "several gateways share one announceIp only behind NodePorts",
        {"replicas": {"p2pGateway": 2}, "p2p": {"discovery": True, "announceIp": "192.0.2.1"}},
        {
            "replicas": {"p2pGateway": 2},
            "p2p": {"discovery": True, "announceIp": "192.0.2.1", "exposure": {"type": "NodePort"}},
        },
    ),
]


@pytest.mark.parametrize(("said", "bad", "good"), BAD_AND_GOOD, ids=[each[0][:24] for each in BAD_AND_GOOD])
def test_a_rule_refuses_one_and_takes_the_other(
    api: Api, made: Any, said: str, bad: dict[str, Any], good: dict[str, Any]
) -> None:
    assert said in refusal(api, a_node(**bad))
    made(a_node(**good))


@pytest.mark.parametrize("name", ["0ssv", "a" * 41, "a.b"])
def test_names_that_pods_can_not_have_are_refused(api: Api, name: str) -> None:
    assert "names of pods are made of it" in refusal(api, a_node(name))


def test_the_longest_name_is_taken(made: Any) -> None:
    made(a_node("a" * 40))


CHANGES: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ("the network can't be changed", {}, {"network": {"name": "mainnet"}}, {"network": {"configMap": "other"}}),
    ("the signer's database can't be changed", {}, DATABASE, {"graffiti": "new"}),
    (
        "the signer's database can't be changed",
        DATABASE,
        {"signer": {"database": None}},
        {"signer": {"database": {"secretName": "renamed"}}},
    ),
    ("storage can't be changed", {}, {"storage": {"signer": "3Gi"}}, {"storage": {"signer": "2Gi"}}),
]


@pytest.mark.parametrize(("said", "first", "bad", "good"), CHANGES, ids=["network", "to database", "from", "storage"])
def test_what_would_leave_the_record_behind_can_not_be_changed(
    api: Api, made: Any, said: str, first: dict[str, Any], bad: dict[str, Any], good: dict[str, Any]
) -> None:
    made(a_node(**first))
    with pytest.raises(Refused, match=said):
        api.change("SSVNode", PLACE, "ssv", {"spec": bad})
    api.change("SSVNode", PLACE, "ssv", {"spec": good})


def test_every_rule_was_tried() -> None:
    tried = [
        "names of pods are made of it",
        *(said for said, _bad, _good in BAD_AND_GOOD),
        *(said for said, _first, _bad, _good in CHANGES),
    ]
    for rule in (*RESOURCE_RULES, *SPEC_RULES, *NETWORK_RULES):
        assert any(said in rule.message for said in tried), rule.message


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"beacon": {"endpoints": []}}, "spec.beacon.endpoints"),
        ({"beacon": {"endpoints": ["ftp://a"]}}, "spec.beacon.endpoints[0]"),
        ({"execution": None}, "spec.execution: Required"),
        ({"network": {"name": "goerli"}}, "Unsupported value"),
        ({"replicas": {"nats": 2}}, "spec.replicas.nats"),
        ({"preset": "triple"}, "spec.preset"),
        ({"storage": {"signer": "much"}}, "spec.storage.signer"),
        ({"onSlashing": "panic"}, "spec.onSlashing"),
        ({"p2p": {"discovery": True, "announceIp": "here"}}, "spec.p2p.announceIp"),
        ({"p2p": {"discovery": True, "bootnodes": ["enode://a"]}}, "spec.p2p.bootnodes[0]"),
    ],
)
def test_what_is_no_spec_is_refused_by_name(api: Api, changes: dict[str, Any], said: str) -> None:
    assert said in refusal(api, a_node(**changes))


def test_the_status_is_a_subresource(api: Api, made: Any) -> None:
    made(a_node())
    api.change("SSVNode", PLACE, "ssv", {"status": {"phase": "Ready"}})
    assert "status" not in api.read("SSVNode", PLACE, "ssv")
    changed = api.change_status("SSVNode", PLACE, "ssv", {"phase": "Ready"})
    assert changed["status"]["phase"] == "Ready"
    assert changed["metadata"]["generation"] == 1
