"""`ssvctl network make` against a small real HTTP server with a beacon node's answers."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ssv_protocol.beacon_chain import BeaconFork
from ssv_protocol.networks import HOODI, LOCAL_ALAN_DOMAIN
from ssv_runtime.network_file import read_network_file
from ssvctl.main import app

CONTRACT = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
ANSWERS = {
    "/eth/v1/beacon/genesis": {
        "genesis_time": "1700000000",
        "genesis_validators_root": "0x" + "4b" * 32,
        "genesis_fork_version": "0x10000000",
    },
    "/eth/v1/config/spec": {
        "SLOT_DURATION_MS": "3000",
        "SLOTS_PER_EPOCH": "6",
        "EPOCHS_PER_SYNC_COMMITTEE_PERIOD": "9",
        "SYNC_COMMITTEE_SIZE": "16",
        "ALTAIR_FORK_EPOCH": "0",
        "ALTAIR_FORK_VERSION": "0x10000001",
        "ELECTRA_FORK_EPOCH": "5",
        "ELECTRA_FORK_VERSION": "0x10000006",
        "FULU_FORK_EPOCH": str(2**64 - 1),
        "FULU_FORK_VERSION": "0x10000007",
    },
}


class _BeaconNode(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps({"data": ANSWERS.get(self.path)}).encode()
        self.send_response(200 if self.path in ANSWERS else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def beacon_url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _BeaconNode) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def make(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["network", "make", *map(str, arguments)])


def test_a_local_network(tmp_path: Path, beacon_url: str) -> None:
    out = tmp_path / "network.json"
    result = make("--beacon-url", beacon_url, "--contract", CONTRACT, "--from-block", 7, "--out", out)
    assert result.exit_code == 0, result.output
    network = read_network_file(out)
    assert network.ssv.registry_contract == bytes.fromhex(CONTRACT[2:])
    assert (network.ssv.alan_domain, network.ssv.registry_from_block) == (LOCAL_ALAN_DOMAIN, 7)
    assert network.ssv.quick_timeout_s == 0.5
    assert (network.chain.genesis_time_s, network.chain.slot_duration_s) == (1_700_000_000, 3.0)
    assert (network.chain.slots_per_epoch, network.chain.sync_committee_size) == (6, 16)
    assert [(fork.fork, fork.epoch) for fork in network.chain.forks] == [
        (BeaconFork.PHASE0, 0),
        (BeaconFork.ALTAIR, 0),
        (BeaconFork.ELECTRA, 5),
    ]


def test_a_public_network(tmp_path: Path, beacon_url: str) -> None:
    out = tmp_path / "network.json"
    assert make("--beacon-url", beacon_url, "--name", "hoodi", "--out", out).exit_code == 0
    assert read_network_file(out).ssv == HOODI


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (("--contract", CONTRACT[:-2]), "give 0x and 40 hex digits"),
        (("--contract", CONTRACT.replace("F", "f")), "checksum"),
        (("--name", "hoody"), "give local, mainnet, hoodi"),
        (("--name", "hoodi", "--contract", CONTRACT), "leave out --contract"),
        ((), "needs --contract"),
    ],
)
def test_what_can_not_be(tmp_path: Path, arguments: tuple[str, ...], remedy: str) -> None:
    result = make("--beacon-url", "http://127.0.0.1:1", "--out", tmp_path / "network.json", *arguments)
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert remedy in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_no_beacon_node(tmp_path: Path) -> None:
    out = tmp_path / "network.json"
    result = make("--beacon-url", "http://127.0.0.1:1", "--contract", CONTRACT, "--out", out)
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "beacon node http://127.0.0.1:1" in result.stderr


def test_nothing_is_overwritten(tmp_path: Path, beacon_url: str) -> None:
    out = tmp_path / "network.json"
    out.write_text("precious")
    assert make("--beacon-url", beacon_url, "--contract", CONTRACT, "--out", out).exit_code == 1
    assert out.read_text() == "precious"
