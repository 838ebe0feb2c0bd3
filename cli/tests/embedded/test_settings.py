from pathlib import Path

import pytest

from ssv_runtime.settings import SettingsError
from ssvctl.embedded.settings import read_operator_settings
from ssvctl.errors import SsvctlError

FILE = """
network_file = "network.json"
operator_key_file = "keys/operator.json"
beacon_urls = ["http://127.0.0.1:5052"]
execution_url = "http://127.0.0.1:8545"

[signer]
drain_s = 3
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "operator.json").touch()
    (tmp_path / "network.json").touch()
    path = tmp_path / "operator.toml"
    path.write_text(FILE)
    return path


def test_paths_are_meant_from_the_file(file: Path) -> None:
    settings = read_operator_settings(file, {})
    assert settings.operator_key_file == file.parent / "keys" / "operator.json"
    assert settings.services == {"signer": {"drain_s": 3}}
    assert settings.operator_key_password_file is None


def test_options_win(file: Path) -> None:
    settings = read_operator_settings(file, {"beacon_urls": ["http://a", "http://b"], "execution_urls": None})
    assert settings.beacon_urls == ("http://a", "http://b")
    assert settings.execution_urls == ("http://127.0.0.1:8545",)  # the file has the older key


def test_options_alone_do(file: Path) -> None:
    options = {
        "network_file": file.parent / "network.json",
        "operator_key_file": file.parent / "keys" / "operator.json",
        "beacon_urls": ["http://a"],
        "execution_urls": ["http://b", "http://c"],
    }
    assert read_operator_settings(file.parent / "none.toml", options).execution_urls == ("http://b", "http://c")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("beacon_url = 'http://a'", "beacon_url is no setting"),
        ("p2p_listen_port = 70000", "p2p_listen_port: input should be less than or equal to 65535"),
        ("p2p_listen_host = 'node.example'", "p2p_listen_host: .*not an IP address"),
        (f"graffiti = '{16 * 'é'}!'", "graffiti: .*more than 32 bytes"),
        ("builder_boost_percent = -1", "builder_boost_percent: input should be greater"),
        ("gas_limit = 0", "gas_limit: input should be greater"),
        ("log_level = 'loud-secret'", "log_level: input should be"),
        ("operator_key_password_file = 'missing'", "operator_key_password_file: path does not point to a file"),
    ],
)
def test_what_can_not_be(file: Path, line: str, problem: str) -> None:
    file.write_text(f"{line}\n{FILE}")
    with pytest.raises(SsvctlError, match=problem) as caught:
        read_operator_settings(file, {})
    assert "secret" not in str(caught.value)


def test_missing_settings_name_their_options(file: Path) -> None:
    with pytest.raises(SsvctlError, match=r"beacon_urls is missing; give --beacon-url or write it into operator\.toml"):
        read_operator_settings(file.parent / "none.toml", {})


def test_a_network_goes_by_its_name_or_by_its_file(file: Path) -> None:
    file.write_text(FILE.replace('network_file = "network.json"', ""))
    with pytest.raises(SsvctlError, match="network is missing; give --network, or --network-file"):
        read_operator_settings(file, {})
    settings = read_operator_settings(file, {"network": "hoodi"})
    assert (settings.network, settings.network_file) == ("hoodi", None)
    with pytest.raises(SsvctlError, match="network: input should be 'mainnet'"):
        read_operator_settings(file, {"network": "hoody"})


def test_a_file_that_is_no_toml(file: Path) -> None:
    file.write_text("beacon_urls =")
    with pytest.raises(SettingsError, match=r"operator\.toml"):
        read_operator_settings(file, {})
