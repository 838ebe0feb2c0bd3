import socket
import tomllib
from pathlib import Path

import pytest
from cli.tests.embedded.conftest import PORTS

from ssvctl.embedded.folder import OperatorFolder
from ssvctl.embedded.operator_plan import NATS, START_ORDER, choose_ports, operator_plan, prepare
from ssvctl.embedded.settings import OperatorSettings
from ssvctl.errors import SsvctlError


def test_a_process_for_each_service(folder: OperatorFolder, settings: OperatorSettings) -> None:
    plan = operator_plan(folder, settings, PORTS)
    assert [process.name for process in plan.processes] == [NATS, *START_ORDER]
    assert START_ORDER == ("signer", "p2p-gateway", "eth1-listener", "duty-scheduler", "consensus")
    for process in plan.processes:
        assert [service.name for service in process.services] == [process.name]
    assert {process.name: process.ports for process in plan.processes if process.ports} == {
        NATS: (1,),
        "signer": (2,),
        "eth1-listener": (3,),
        "p2p-gateway": (4, 5),
    }


def test_all_services_in_one_process(folder: OperatorFolder, settings: OperatorSettings) -> None:
    nats, group = operator_plan(folder, settings, PORTS, grouped=True).processes
    assert (nats.name, group.name) == (NATS, "operator")
    assert tuple(service.name for service in group.services) == START_ORDER
    assert set(group.ports) == {2, 3, 4, 5}


def test_services_find_each_other(folder: OperatorFolder, settings: OperatorSettings) -> None:
    content = tomllib.loads(operator_plan(folder, settings, PORTS).files[folder.service_settings])
    assert content["nats_url"] == "nats://127.0.0.1:1"
    assert content["signer"]["grpc_port"] == 2
    assert content["eth1-listener"]["signer_target"] == "127.0.0.1:2"
    for service in ("p2p-gateway", "duty-scheduler", "consensus"):
        assert content[service]["registry_target"] == "127.0.0.1:3"
        assert Path(content[service]["nats_password_file"]).name == f"{service}.password"
    assert "nats_password_file" not in content["signer"]
    assert content["p2p-gateway"]["listen_addr"] == "/ip4/127.0.0.1/tcp/5"
    assert content["consensus"]["log_level"] == "debug"


def test_what_concerns_blocks_goes_to_the_services_that_use_it(
    folder: OperatorFolder, settings: OperatorSettings
) -> None:
    chosen = {"graffiti": "ssv é", "builder_boost_percent": 0, "builder_registrations": False, "gas_limit": 36_000_000}
    plan = operator_plan(folder, settings.model_copy(update=chosen), PORTS)
    content = tomllib.loads(plan.files[folder.service_settings])
    assert content["duty-scheduler"]["builder_registrations"] is False
    for key in ("graffiti", "builder_boost_percent", "gas_limit"):
        assert content["consensus"][key] == chosen[key]


def test_what_is_not_said_is_left_to_the_services(folder: OperatorFolder, settings: OperatorSettings) -> None:
    content = tomllib.loads(operator_plan(folder, settings, PORTS).files[folder.service_settings])
    assert "builder_registrations" not in content["duty-scheduler"]
    assert not {"graffiti", "builder_boost_percent", "gas_limit"} & content["consensus"].keys()


def test_no_secret_in_the_plan(folder: OperatorFolder, settings: OperatorSettings) -> None:
    prepare(folder)
    settings.operator_key_password_file.write_text("sesame")  # type: ignore[union-attr]
    passwords = [path.read_text().strip() for path in (folder.certificates / "nats").glob("*.password")]
    shown = repr(operator_plan(folder, settings, PORTS))
    assert not any(secret in shown for secret in (*passwords, "sesame"))


def test_the_port_that_peers_dial_must_be_free(settings: OperatorSettings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SsvctlError, match=f"p2p port {port} of 127.0.0.1 is in use"):
            choose_ports(settings.model_copy(update={"p2p_listen_port": port}))


def test_chosen_ports_differ(settings: OperatorSettings) -> None:
    ports = choose_ports(settings)
    assert len({ports.nats, ports.signer, ports.registry, ports.gateway, ports.p2p}) == 5


def test_certificates_are_made_once(folder: OperatorFolder) -> None:
    prepare(folder)
    first = (folder.certificates / "ca.pem").read_bytes()
    prepare(folder)
    assert (folder.certificates / "ca.pem").read_bytes() == first
