from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from libs.runtime.tests.conftest import a_network

from ssv_protocol.forks import Network
from ssv_protocol.networks import HOODI, MAINNET
from ssv_runtime.network_file import NetworkFileError, encode_network, read_network_file, write_network_file


@pytest.mark.parametrize(
    "ssv",
    [a_network().ssv, MAINNET, dataclasses.replace(HOODI, last_proposer_round=None, bootnodes=("enr:a", "enr:b"))],
)
def test_what_is_written_is_read(tmp_path: Path, ssv: Any) -> None:
    network: Network = dataclasses.replace(a_network(), ssv=ssv)
    write_network_file(tmp_path / "deep" / "network.json", network)
    assert read_network_file(tmp_path / "deep" / "network.json") == network
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["network.json"]


def test_byte_strings_are_hex() -> None:
    file = json.loads(encode_network(a_network()))
    assert file["ssv"]["alan_domain"] == "0x00000402"
    assert file["chain"]["genesis_validators_root"] == "0x" + bytes(range(32)).hex()
    assert file["chain"]["forks"][1] == {"name": "electra", "version": "0x01000006", "epoch": 0}


def spoil(part: str, key: str, value: object) -> dict[str, Any]:
    file: dict[str, Any] = json.loads(encode_network(a_network()))
    if value is None:
        del file[part][key]
    else:
        file[part][key] = value
    return file


@pytest.mark.parametrize(
    ("file", "says"),
    [
        (spoil("ssv", "boole_epcoh", 5), "boole_epcoh"),
        (spoil("ssv", "alan_domain", None), "alan_domain"),
        (spoil("ssv", "alan_domain", "0x0402"), "alan_domain"),
        (spoil("chain", "slots_per_epoch", 0), "slots_per_epoch"),
        (spoil("chain", "genesis_validators_root", "0x00"), "genesis_validators_root"),
        (spoil("chain", "forks", [{"name": "osaka", "version": "0x00000000", "epoch": 0}]), "osaka"),
        (spoil("chain", "forks", []), "fork schedule"),
        ({}, "ssv"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, file: dict[str, Any], says: str) -> None:
    path = tmp_path / "network.json"
    path.write_text(json.dumps(file))
    with pytest.raises(NetworkFileError, match=says) as error:
        read_network_file(path)
    assert str(path) in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NetworkFileError, match="No such file"):
        read_network_file(tmp_path / "network.json")
