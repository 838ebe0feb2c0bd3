"""`ssvctl peers` against a server that answers what a gateway would."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from tests.support.service_certificates import write_certificates
from typer.testing import CliRunner

from ssv_api.v1 import gateway_pb2 as pb
from ssv_api.v1.gateway_pb2_grpc import GatewayServicer, add_GatewayServicer_to_server
from ssvctl.main import app
from ssvctl.peers_command import short_address

BAD = pb.Peer(
    peer_id="bad",
    address="/ip4/192.0.2.1/tcp/13001",
    topics=["ssv.v2.1"],
    score=pb.PeerScore(
        behaviour=-0.0,
        total=-17_000.25,
        topics=-17_000.25,
        by_topic=[pb.TopicScore(topic="ssv.v2.1", invalid_messages=-17_001.5)],
    ),
    queued_messages=3,
    dropped_messages=4,
    domain=b"\x00\x00\x04\x02",
    agent="other\x1b[31m[red]/1.0",
)
ANSWER = pb.PeersResponse(
    peer_id="ours",
    listen_addresses=["/ip4/127.0.0.1/tcp/13001"],
    peers=[pb.Peer(peer_id="good", outbound=True, score=pb.PeerScore(total=12.5)), BAD],
    meshes=[pb.TopicMesh(topic="ssv.v2.1", subscribers=7, peer_ids=["good"])],
    banned=["gone"],
    record="enr:-record",
    discovered={"ssvdv5": 12, "discv5": 34},
    candidates=5,
)


class Gateway(GatewayServicer):
    def Peers(self, request: pb.PeersRequest, context: Any) -> pb.PeersResponse:  # noqa: N802
        return ANSWER


@pytest.fixture
def arguments(tmp_path: Path) -> Iterator[list[str]]:
    certs = write_certificates(tmp_path, ("p2p-gateway", "cli"))
    server = grpc.server(ThreadPoolExecutor(1))
    add_GatewayServicer_to_server(Gateway(), server)  # type: ignore[no-untyped-call,unused-ignore]
    own = ((certs / "p2p-gateway.key").read_bytes(), (certs / "p2p-gateway.pem").read_bytes())
    credentials = grpc.ssl_server_credentials([own], (certs / "ca.pem").read_bytes(), True)
    port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    yield ["peers", "--target", f"127.0.0.1:{port}", "--certs", str(certs)]
    server.stop(None).wait()


def run(arguments: list[str]) -> str:
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    return result.output


def test_peers_the_worst_first(arguments: list[str]) -> None:
    output = run(arguments)
    assert "ours at /ip4/127.0.0.1/tcp/13001" in output
    assert output.index("bad") < output.index("good")
    assert "-17000.2 (graylisted)" in output
    assert "let go, and not let in again yet: gone" in output
    assert "-17001.50" not in output


def test_topics_when_asked_for(arguments: list[str]) -> None:
    output = run([*arguments, "--topics"])
    assert "-17001.50" in output
    assert "-0.0" not in output
    assert "of them in the mesh" in output


def test_what_discovery_knows_and_what_peers_say_they_run(arguments: list[str]) -> None:
    output = run(arguments)
    assert "nodes known: 34 by discv5, 12 by ssvdv5; 5 were found" in output
    assert "own record: enr:-record" in output
    # a peer's own word does not colour the operator's terminal
    assert "other?[31m[red]/1.0" in output
    assert "(no handshake)" in output


@pytest.mark.parametrize(
    ("address", "short"),
    [
        ("/ip4/192.0.2.1/tcp/13001", "192.0.2.1:13001"),
        ("/ip6/2001:db8::1/tcp/13001/p2p/x", "[2001:db8::1]:13001"),
        ("/dns4/peer.example/tcp/1", "/dns4/peer.example/tcp/1"),
        ("", ""),
    ],
)
def test_addresses_are_short(address: str, short: str) -> None:
    assert short_address(address) == short
