from __future__ import annotations

from pathlib import Path

import pytest

from ssv_p2p_gateway.service import SERVICE
from ssv_p2p_gateway.settings import GatewaySettings
from ssv_runtime.settings import SettingsError, resolve

PEER = "/ip4/127.0.0.1/tcp/13001/p2p/16Uiu2HAkvnJQHja8graYSKZoZ37pnNybD3FnFLp3qDppYG6ZQXuL"


@pytest.fixture
def required(tmp_path: Path) -> dict[str, str]:
    file = tmp_path / "file"
    file.write_text("")
    files = dict.fromkeys(("network_file", "tls_ca", "tls_cert", "tls_key"), str(file))
    return {**files, "registry_target": "127.0.0.1:1", "data_dir": str(tmp_path)}


def settings(required: dict[str, str], **others: object) -> GatewaySettings:
    return resolve(SERVICE.name, SERVICE.settings, {**required, **others}, {})


def test_good_settings(required: dict[str, str]) -> None:
    assert settings(required, static_peers=[PEER], listen_addr="/ip4/127.0.0.1/tcp/13001").static_peers == [PEER]


@pytest.mark.parametrize("peer", ["", "nonsense", "/ip4/127.0.0.1/tcp/13001", PEER.replace("tcp", "udp")])
def test_a_bad_peer_is_named_by_its_key(required: dict[str, str], peer: str) -> None:
    with pytest.raises(SettingsError, match=r"static_peers.*multiaddr"):
        settings(required, static_peers=[PEER, peer])


@pytest.mark.parametrize("address", ["", "127.0.0.1:13001", "/ip4/127.0.0.1", "/ip4/127.0.0.1/udp/1", PEER])
def test_a_bad_listen_address_is_named_by_its_key(required: dict[str, str], address: str) -> None:
    with pytest.raises(SettingsError, match=r"listen_addr.*multiaddr"):
        settings(required, listen_addr=address)


def test_of_several_gateways_each_has_a_name(required: dict[str, str]) -> None:
    assert settings(required).gateways == 1
    assert settings(required, gateways=3, gateway_id="a-1").gateway_id == "a-1"
    with pytest.raises(SettingsError, match="gateway_id is missing"):
        settings(required, gateways=2)
    with pytest.raises(SettingsError, match="gateway_id"):
        settings(required, gateways=2, gateway_id="a.b")


def test_discovery_is_off_unless_it_is_wanted(required: dict[str, str]) -> None:
    assert not settings(required).discovery
    assert settings(required, announce_ip="203.0.113.7", discovery_addr="/ip6/::1/udp/0").announce_ip == "203.0.113.7"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("discovery_addr", "127.0.0.1:12001"),
        ("discovery_addr", "/ip4/127.0.0.1/tcp/12001"),
        ("discovery_addr", "/dns4/localhost/udp/12001"),
        ("announce_ip", "0.0.0.0"),
        ("announce_ip", "localhost"),
        ("announce_tcp_port", 0),
        ("announce_udp_port", 65536),
        ("bootnodes", ["nonsense"]),
        ("bootnodes", ["enr:-AAAA"]),
    ],
)
def test_what_discovery_cannot_use_is_named_by_its_key(required: dict[str, str], key: str, value: object) -> None:
    with pytest.raises(SettingsError, match=key):
        settings(required, **{key: value})
