"""The settings files are what the services themselves read, with their own classes."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ssv_consensus.settings import ConsensusSettings
from ssv_duty_scheduler.settings import DutySchedulerSettings
from ssv_duty_scheduler.slashing_reaction import OnSlashing
from ssv_eth1_listener.settings import Eth1ListenerSettings
from ssv_kube.model.spec import SSVNodeSpec
from ssv_kube.resources.mounts import mounts
from ssv_kube.resources.node import Node, Surroundings
from ssv_kube.resources.pods import GATEWAY_ID, pod_template
from ssv_kube.resources.settings_files import settings_file
from ssv_p2p_gateway.settings import GatewaySettings
from ssv_runtime.settings import ENV_PREFIX, ServiceSettings
from ssv_signer.settings import SignerSettings

Example = Callable[..., Node]

CLASSES: dict[str, type[ServiceSettings]] = {
    "signer": SignerSettings,
    "eth1-listener": Eth1ListenerSettings,
    "p2p-gateway": GatewaySettings,
    "duty-scheduler": DutySchedulerSettings,
    "consensus": ConsensusSettings,
}


def content(node: Node, service: str) -> dict[str, Any]:
    return tomllib.loads(settings_file(node, service))


def taken(service: str, file: str, folder: Path) -> ServiceSettings:
    """Return a file's settings as the service reads them."""
    given = tomllib.loads(file)
    there = folder / "there"
    there.touch()
    for key in given.keys() & {"network_file", "tls_ca", "tls_cert", "tls_key", "nats_password_file", "nats_ca"}:
        given[key] = there  # the classes want files that exist
    if service == "p2p-gateway":
        given["gateway_id"] = "ssv-p2p-gateway-0"  # comes from the pod's environment
    return CLASSES[service](**given)


@pytest.mark.parametrize("service", CLASSES)
def test_services_take_their_file(node: Node, service: str, tmp_path: Path) -> None:
    assert taken(service, settings_file(node, service), tmp_path).health_port == 9100


def test_several_gateways_know_of_each_other_and_each_has_a_name(
    example: Example, surroundings: Callable[..., Surroundings]
) -> None:
    assert content(example("ha"), "p2p-gateway")["gateways"] == 2
    assert content(example("single"), "p2p-gateway")["gateways"] == 1
    (container,) = pod_template(example("ha"), surroundings(), "p2p-gateway")["spec"]["containers"]
    (name,) = [each for each in container["env"] if each["name"] == GATEWAY_ID]
    assert name["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"
    assert GATEWAY_ID.removeprefix(ENV_PREFIX).lower() in GatewaySettings.model_fields


def test_what_the_spec_leaves_out_is_left_to_the_service(example: Example) -> None:
    written = content(example("single"), "consensus")
    assert not {"graffiti", "gas_limit", "builder_boost_percent"} & set(written)


def test_without_builders_the_own_block_always_wins(example: Example) -> None:
    written = content(example("single", builder={"enabled": False}), "consensus")
    assert written["builder_boost_percent"] == 0


def test_the_signer_has_one_store(example: Example) -> None:
    assert content(example("single"), "signer")["store"] == "sqlite"
    shared = content(example("ha"), "signer")
    assert shared["store"] == "postgres"
    assert shared["postgres_dsn_file"] == "/etc/ssv/database/dsn"


def test_clients_know_all_servers_of_the_bus(example: Example) -> None:
    servers = content(example("ha"), "consensus")["nats_url"].split(",")
    assert servers == [f"nats://ssv-nats-{each}.ssv-nats:4222" for each in range(3)]


def test_an_external_bus_is_not_spoken_to_with_our_certificates(example: Example) -> None:
    written = content(example("external-nats"), "p2p-gateway")
    assert written["nats_tls"] is False
    assert written["nats_url"].startswith("tls://")
    assert (written["nats_replicas"], "nats_ca" in written) == (1, False)


def test_an_external_bus_may_have_an_authority_of_its_own(example: Example) -> None:
    external = {"url": "tls://bus:4222", "passwordsSecret": "p", "caKey": "authority.pem", "replicas": 3}
    node = example("external-nats", nats={"external": external})
    assert content(node, "consensus")["nats_ca"] == "/etc/ssv/bus/ca.crt"
    assert content(node, "consensus")["nats_replicas"] == 3
    (bus,) = [each for each in mounts(node, "consensus") if each.name == "bus"]
    assert {"key": "authority.pem", "path": "ca.crt"} in bus.source["secret"]["items"]


def test_as_many_servers_keep_a_stream_as_there_are(example: Example) -> None:
    assert content(example("single"), "duty-scheduler")["nats_replicas"] == 1
    assert content(example("ha"), "duty-scheduler")["nats_replicas"] == 3


def test_only_those_with_business_on_the_bus_get_there(example: Example) -> None:
    assert "nats_url" not in content(example("ha"), "signer")


def test_the_signer_keeps_history_where_it_is_wanted(example: Example) -> None:
    assert content(example("single"), "signer")["keep_history"] is False
    node = example("single", signer={"keepHistory": True, "coldStart": "trust-disk"})
    assert (content(node, "signer")["keep_history"], content(node, "signer")["cold_start"]) == (True, "trust-disk")


def test_validators_are_protected_unless_somebody_says_otherwise(example: Example) -> None:
    usual = content(example("single"), "duty-scheduler")
    assert (usual["doppelganger_protection"], usual["on_slashing"]) == (True, "stop-validator")
    other = content(example("single", doppelgangerProtection=False, onSlashing="stop-all"), "duty-scheduler")
    assert (other["doppelganger_protection"], other["on_slashing"]) == (False, "stop-all")


def test_the_spec_names_every_answer_to_a_slashing() -> None:
    field = SSVNodeSpec.model_json_schema()["properties"]["onSlashing"]
    assert set(field["enum"]) == {each.value for each in OnSlashing}


def test_discovery_listens_where_its_port_is(example: Example) -> None:
    assert content(example("single"), "p2p-gateway")["discovery"] is False
    written = content(example("local-network"), "p2p-gateway")
    assert written["discovery_addr"] == "/ip4/0.0.0.0/udp/12001"
    assert written["discovery_legacy"] is True
