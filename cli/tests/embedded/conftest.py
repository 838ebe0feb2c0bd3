from pathlib import Path

import pytest

from ssvctl.embedded.folder import OperatorFolder
from ssvctl.embedded.service_settings import OperatorPorts
from ssvctl.embedded.settings import OperatorSettings

PORTS = OperatorPorts(nats=1, signer=2, registry=3, gateway=4, p2p=5)


@pytest.fixture
def folder(tmp_path: Path) -> OperatorFolder:
    return OperatorFolder.at(tmp_path / "operator")


@pytest.fixture
def settings(tmp_path: Path) -> OperatorSettings:
    for name in ("network.json", "operator.json", "password.txt"):
        (tmp_path / name).touch()
    return OperatorSettings(
        network_file=tmp_path / "network.json",
        operator_key_file=tmp_path / "operator.json",
        operator_key_password_file=tmp_path / "password.txt",
        beacon_urls=("http://127.0.0.1:5052",),
        execution_urls=("http://127.0.0.1:8545",),
        services={"consensus": {"log_level": "debug"}},
    )
