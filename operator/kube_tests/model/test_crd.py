"""The resource definition: current in the chart, structural, and with rules that a CEL engine understands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import celpy
import kubernetes_validate
import pytest
import yaml
from celpy.adapter import json_to_cel
from pydantic import BaseModel

from ssv_kube.model.crd import crd, crd_yaml
from ssv_kube.model.rules import NETWORK_RULES, RESOURCE_RULES, SPEC_RULES, Rule
from ssv_kube.model.schema import structural

CHART = Path(__file__).parents[3] / "helm" / "ssv"
SCHEMA: dict[str, Any] = crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]

DATABASE: dict[str, Any] = {"signer": {"database": {}}}
FOUND: dict[str, Any] = {"network": {"name": "hoodi", "configMap": "own"}}
BEHIND: dict[str, Any] = {"discovery": True, "announceIp": "192.0.2.1"}


def holds(rule: Rule, value: dict[str, Any], old: dict[str, Any] | None = None) -> bool:
    environment = celpy.Environment()
    program = environment.program(environment.compile(rule.rule))
    given = {"self": json_to_cel(value), "oldSelf": json_to_cel(value if old is None else old)}
    return bool(program.evaluate(given))


def refusals(rules: tuple[Rule, ...], value: dict[str, Any], old: dict[str, Any] | None = None) -> str:
    return "; ".join(rule.message for rule in rules if not holds(rule, value, old))


def nodes(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, each in schema.get("properties", {}).items():
        yield from nodes(each, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if key in schema:
            yield from nodes(schema[key], f"{path}[]")


def test_the_chart_has_the_current_definition() -> None:
    file = CHART / "crds" / "ssvnodes.ssv.network.yaml"
    assert file.read_text() == crd_yaml(), "run: python -m ssv_kube.model"
    assert yaml.safe_load(file.read_text()) == crd()


def test_kubernetes_knows_every_field_of_the_definition() -> None:
    kubernetes_validate.validate(crd(), "1.37.0", strict=True)


def test_the_schema_is_structural() -> None:
    for path, node in nodes(SCHEMA):
        assert "type" in node, path
        assert not {"$ref", "anyOf", "allOf", "oneOf", "title", "const", "nullable"} & set(node), path


def test_everything_in_the_spec_has_a_limit() -> None:
    for path, node in nodes(SCHEMA["properties"]["spec"]):
        if node["type"] == "string":
            assert {"maxLength", "enum"} & set(node) or node.get("pattern", "").endswith("{40}$"), path
        if node["type"] == "array":
            assert "maxItems" in node, path


def test_defaults_are_filled_in_inside_of_parts_that_were_left_out() -> None:
    spec = SCHEMA["properties"]["spec"]["properties"]
    assert spec["storage"]["default"] == {}
    assert spec["storage"]["properties"]["signer"]["default"] == "2Gi"
    assert "default" not in spec["signer"]["properties"]["database"]


def test_what_cannot_be_said_structurally_is_refused() -> None:
    class Odd(BaseModel):
        value: int | str

    with pytest.raises(ValueError, match="anyOf"):
        structural(Odd)


@pytest.mark.parametrize("name", ["single", "ha", "external-nats", "local-network"])
def test_examples_keep_all_rules(name: str) -> None:
    spec = yaml.safe_load((CHART / "examples" / f"{name}.yaml").read_text())["node"]["spec"]
    assert refusals(SPEC_RULES, {"preset": "single", **spec}) == ""
    assert refusals(NETWORK_RULES, spec["network"]) == ""


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"preset": "ha"}, "preset ha needs PostgreSQL"),
        ({"preset": "ha", "signer": {}}, "preset ha needs PostgreSQL"),
        ({"preset": "single", "replicas": {"signer": 2}}, "several signers need one PostgreSQL"),
        ({"preset": "single", "proposerDelayMs": 1700}, "loses blocks"),
        ({"preset": "single", "exporter": {"enabled": True}}, "exporter does not exist"),
        ({"preset": "single", "graffiti": "ä" * 17}, "more than 32 bytes"),
        ({"preset": "single", "nats": {"external": {}}, "replicas": {"nats": 3}}, "replicas.nats is for an own NATS"),
        (
            {"preset": "single", "signer": {"database": {}, "coldStart": "trust-disk"}},
            "coldStart trust-disk is for a record on the signer's own volume",
        ),
        *(
            (
                {"preset": "single", "network": {"name": "hoodi"}, "p2p": {"discovery": False} | given},
                "are for discovery",
            )
            for given in ({"announceIp": "192.0.2.1"}, {"announceTcpPort": 1}, {"bootnodes": ["enr:-a"]})
        ),
        ({"preset": "single", "network": {"name": "hoodi"}, "p2p": {"discovery": True}}, "somebody to ask first"),
        ({"preset": "single", **FOUND, "p2p": {"discovery": True, "announceIp": "0.0.0.0"}}, "nobody can reach"),
        ({"preset": "single", **FOUND, "p2p": {"discovery": True, "announceUdpPort": 9}}, "is not announced"),
        (
            {"preset": "ha", **DATABASE, **FOUND, "p2p": {**BEHIND, "exposure": {"type": "LoadBalancer"}}},
            "one announceIp",
        ),
        ({"preset": "single", **FOUND, "replicas": {"p2pGateway": 2}, "p2p": BEHIND}, "one announceIp"),
    ],
)
def test_unsafe_specs_are_refused_with_a_sentence(spec: dict[str, Any], said: str) -> None:
    assert said in refusals(SPEC_RULES, spec)


@pytest.mark.parametrize(
    "spec",
    [
        {"preset": "ha", "signer": {"database": {}}, "replicas": {"signer": 3}},
        {"preset": "single", "proposerDelayMs": 1700, "allowUnsafeProposerDelay": True},
        {"preset": "single", "signer": {"coldStart": "trust-disk", "keepHistory": True}},
        {"preset": "ha", "signer": {"database": {}, "coldStart": "witness"}},
        {"preset": "single", "network": {"name": "hoodi"}, "p2p": {"discovery": False, "bootnodes": []}},
        {"preset": "single", "network": {"name": "hoodi"}, "p2p": {"discovery": True, "bootnodes": ["enr:-a"]}},
        {"preset": "ha", **DATABASE, **FOUND, "p2p": {**BEHIND, "exposure": {"type": "NodePort"}}},
        {"preset": "ha", **DATABASE, **FOUND, "replicas": {"p2pGateway": 1}, "p2p": BEHIND},
        {"preset": "single", **FOUND, "p2p": {**BEHIND, "announceUdpPort": 9}},
        {"preset": "single", "proposerDelayMs": 1650, "graffiti": "ä" * 16, "exporter": {"enabled": False}},
    ],
)
def test_safe_specs_are_taken(spec: dict[str, Any]) -> None:
    assert refusals(SPEC_RULES, spec) == ""


def test_the_record_does_not_move_by_itself() -> None:
    shared = {"preset": "single", "signer": {"database": {"secretName": "a"}}}
    alone: dict[str, Any] = {"preset": "single", "signer": {}}
    assert "knows nothing of what was signed" in refusals(SPEC_RULES, shared, alone)
    assert "knows nothing of what was signed" in refusals(SPEC_RULES, alone, shared)


def test_volumes_do_not_change() -> None:
    old = {"preset": "single", "storage": {"signer": "2Gi"}}
    assert "storage can't be changed" in refusals(SPEC_RULES, {"preset": "single", "storage": {"signer": "3Gi"}}, old)
    assert refusals(SPEC_RULES, old | {"graffiti": "new"}, old) == ""


def test_the_network_stays() -> None:
    assert "network can't be changed" in refusals(NETWORK_RULES, {"name": "hoodi"}, {"name": "mainnet"})


@pytest.mark.parametrize(
    ("network", "said"),
    [
        ({"name": "hoodi", "contract": "0x00"}, "for the local network only"),
        ({"name": "mainnet", "fromBlock": 1}, "for the local network only"),
        ({"name": "local"}, "a local network needs contract"),
    ],
)
def test_networks_are_whole(network: dict[str, Any], said: str) -> None:
    assert said in refusals(NETWORK_RULES, network)


@pytest.mark.parametrize(("name", "taken"), [("ssv", True), ("0ssv", False), ("a" * 41, False), ("a.b", False)])
def test_names_are_such_that_pods_can_be_called_after_them(name: str, taken: bool) -> None:
    assert (refusals(RESOURCE_RULES, {"metadata": {"name": name}}) == "") is taken
