from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from libs.runtime.tests.conftest import required_settings
from pydantic import Field

from ssv_runtime.settings import GrpcServiceSettings, ServiceSettings, SettingsError, load_settings
from ssv_runtime.settings_help import setting_rows, settings_table


class WorkerSettings(GrpcServiceSettings):
    beacon_urls: list[str] = Field(description="Beacon nodes, the best first")
    max_committees: int | None = Field(None, ge=1, description="Committees to hold at most")


def a_file(folder: Path, text: str) -> str:
    path = folder / "operator.toml"
    path.write_text(text)
    return str(path)


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("CONFIG", *(key.upper() for key in WorkerSettings.model_fields)):
        monkeypatch.delenv(f"SSV_{key}", raising=False)


@pytest.fixture
def required(certificates: Path) -> str:
    return "".join(f'{key} = "{value}"\n' for key, value in required_settings(certificates, "consensus").items())


def load(*argv: str) -> WorkerSettings:
    settings = load_settings("consensus", WorkerSettings, argv)
    assert settings is not None
    return settings


def test_argument_before_environment_before_own_table_before_file_before_default(
    tmp_path: Path, required: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = a_file(
        tmp_path,
        required
        + 'beacon_urls = ["http://a", "http://b"]\nnats_url = "nats://file"\nlog_level = "debug"\ndrain_s = 1\n'
        + '[consensus]\nlog_level = "error"\ngrpc_port = 1000\n[signer]\nnot_ours = true\n',
    )
    settings = load("--config", path)
    assert settings.beacon_urls == ["http://a", "http://b"]
    assert (settings.nats_url, settings.log_level, settings.grpc_port) == ("nats://file", "error", 1000)
    assert (settings.drain_s, settings.health_host, settings.max_committees) == (1.0, "127.0.0.1", None)
    monkeypatch.setenv("SSV_CONFIG", path)
    monkeypatch.setenv("SSV_NATS_URL", "nats://environment")
    monkeypatch.setenv("SSV_BEACON_URLS", "http://c, http://d")
    monkeypatch.setenv("SSV_MAX_COMMITTEES", "3")
    settings = load("--grpc-port", "2000")
    assert settings.nats_url == "nats://environment"
    assert settings.beacon_urls == ["http://c", "http://d"]
    assert (settings.grpc_port, settings.max_committees) == (2000, 3)
    assert load("--nats-url", "nats://argument", "--beacon-urls", "http://e").beacon_urls == ["http://e"]


def test_settings_made_in_code_read_no_environment(certificates: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSV_NATS_URL", "nats://environment")
    settings = ServiceSettings(**required_settings(certificates, "consensus"))
    assert settings.nats_url == "nats://127.0.0.1:4222"


@pytest.mark.parametrize(
    ("addition", "says"),
    [
        ('nats_ulr = "x"', "nats_ulr: no such setting"),
        ('health_port = "many"', "health_port: "),
        ("health_port = 70000", "health_port: "),
        ('log_level = "loud"', "log_level: "),
        ('tls_key = "/nowhere/key.pem"', "tls_key: "),
        ("x = ", "operator.toml"),
        ("consensus = 3", "consensus: not a table"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(tmp_path: Path, required: str, addition: str, says: str) -> None:
    name = addition.partition(" ")[0]
    kept = "".join(line for line in required.splitlines(keepends=True) if not line.startswith(f"{name} "))
    with pytest.raises(SettingsError, match=re.escape(says)) as error:
        load("--config", a_file(tmp_path, f'beacon_urls = ["http://a"]\n{kept}{addition}\n'))
    assert "\n" not in str(error.value)


def test_what_is_missing_is_named_with_its_ways(tmp_path: Path, required: str) -> None:
    with pytest.raises(SettingsError, match=r"^beacon_urls: must be set \(--beacon-urls, SSV_BEACON_URLS or "):
        load("--config", a_file(tmp_path, required))


def test_a_wrong_value_is_not_shown(tmp_path: Path, required: str) -> None:
    with pytest.raises(SettingsError) as error:
        load("--config", a_file(tmp_path, required), "--beacon-urls", "http://a", "--drain-s", "my-password")
    assert "my-password" not in str(error.value)


@pytest.mark.parametrize(
    "argv", [("--nats-ulr", "x"), ("--nats-url",), ("--config", "/nowhere/operator.toml"), ("stray",)]
)
def test_wrong_arguments_are_one_line(argv: tuple[str, ...]) -> None:
    with pytest.raises(SettingsError) as error:
        load(*argv)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("argv", [("--help",), ("-h", "--log-level", "loud")])
def test_help_is_asked_for(argv: tuple[str, ...]) -> None:
    assert load_settings("consensus", WorkerSettings, argv) is None


def test_the_table_shows_every_key_with_environment_type_default_and_description() -> None:
    rows: dict[str, Any] = {row.key: row for row in setting_rows(WorkerSettings)}
    assert set(rows) == set(WorkerSettings.model_fields)
    assert all(row.description for row in rows.values())
    assert rows["beacon_urls"].env == "SSV_BEACON_URLS"
    assert (rows["beacon_urls"].type, rows["beacon_urls"].default) == ("text,...", "required")
    assert (rows["max_committees"].type, rows["max_committees"].default) == ("integer", "-")
    assert (rows["log_level"].type, rows["log_level"].default) == ("debug|info|warning|error", "info")
    assert (rows["tls_ca"].type, rows["nats_tls"].type, rows["drain_s"].default) == ("path", "true|false", "45.0")
    table = settings_table("consensus", WorkerSettings)
    lines = {line.split()[0]: line for line in table.splitlines() if line}
    for key, row in rows.items():
        assert all(part in lines[key] for part in (row.env, row.type, row.default, row.description))
