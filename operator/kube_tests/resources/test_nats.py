"""The bus: its configuration is one that the real nats-server takes, and holds what its users may do."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from ssv_kube.resources.bus_passwords import passwords
from ssv_kube.resources.certificates import authority, certificate
from ssv_kube.resources.nats import configuration, nats
from ssv_kube.resources.node import Node, Surroundings

Example = Callable[..., Node]
SERVER = Path(sys.executable).with_name("nats-server")


def checked(file: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SERVER, "-t", "--config", file], capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("name", ["single", "ha"])
def test_the_server_takes_the_configuration(example: Example, name: str, now: datetime, tmp_path: Path) -> None:
    node = example(name)
    ca = authority(None, now)
    pair = certificate(node, "nats", ca, None, now)
    files = {"tls.crt": pair.certificate, "tls.key": pair.private_key, "ca.crt": ca.certificate}
    for file, content in files.items():
        (tmp_path / file).write_bytes(content)
    text = configuration(node, passwords(None, lambda: "secret")).replace("/etc/ssv/tls", str(tmp_path))
    (tmp_path / "nats.conf").write_text(text)
    assert checked(tmp_path / "nats.conf").returncode == 0, checked(tmp_path / "nats.conf").stderr


def test_a_wrong_configuration_would_be_found(example: Example, tmp_path: Path) -> None:
    text = configuration(example("single"), passwords(None, lambda: "secret")).replace('"http"', '"htttp"')
    (tmp_path / "nats.conf").write_text(text)
    assert checked(tmp_path / "nats.conf").returncode != 0


def test_three_servers_know_each_other(example: Example) -> None:
    text = configuration(example("ha"), passwords(None, lambda: "secret"))
    assert all(f"nats-route://ssv-nats-{each}.ssv-nats:6222" in text for each in range(3))
    assert "routes" not in configuration(example("single"), passwords(None, lambda: "secret"))


def test_passwords_are_kept_and_new_services_get_one() -> None:
    made = passwords({"consensus": b"old\n"}, lambda: "new")
    assert made["consensus"] == "old"
    assert made["p2p-gateway"] == "new"


def test_somebody_elses_bus_is_not_run_here(example: Example, surroundings: Callable[..., Surroundings]) -> None:
    assert nats(example("external-nats"), surroundings()) == []
