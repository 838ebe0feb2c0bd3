"""`ssvctl peers`: whom the gateway is connected to, how each peer is scored, and who is not let in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ssv_api.v1 import gateway_pb2 as pb
from ssv_api.v1.gateway_pb2_grpc import GatewayStub
from ssv_runtime.names import P2P_GATEWAY
from ssvctl.errors import reported
from ssvctl.signer_client import ServicePlace, dialled, find_service

DEADLINE_S = 10.0
GRAYLIST = -16_000.0
"""A peer with less is not listened to (ssvlabs/ssv network/topics/params)."""


def peers(
    folder: Annotated[Path, typer.Option("--dir", help="The operator's folder.")] = Path(),
    target: Annotated[str | None, typer.Option(help="The gateway's address, instead of the one in --dir.")] = None,
    certificates: Annotated[Path | None, typer.Option("--certs", help="Folder of certificates, with cli.pem.")] = None,
    topics: Annotated[bool, typer.Option("--topics", help="Show meshes and each peer's score by topic, too.")] = False,
) -> None:
    """Show the gateway's peers with their scores, its topics, and who was let go."""
    with reported():
        answer = asyncio.run(_ask(find_service(P2P_GATEWAY, folder, target, certificates)))
    console = Console()
    console.print(f"{answer.peer_id or 'the node does not run'} at {', '.join(answer.listen_addresses) or '-'}")
    console.print(peers_table(answer.peers))
    if topics:
        console.print(meshes_table(answer.meshes))
        console.print(scores_table(answer.peers))
    if answer.banned:
        console.print(f"let go, and not let in again yet: {', '.join(answer.banned)}")


def peers_table(connected: Iterable[pb.Peer]) -> Table:
    """Return a row for each peer, the worst first."""
    table = Table("peer", "address", "dialled by", "topics", "score", "topics' part", "address' part", "behaviour",
                  "queued", "dropped")  # fmt: skip
    for peer in sorted(connected, key=lambda peer: peer.score.total):
        score = peer.score
        total = f"{score.total:.1f}" + (" (graylisted)" if score.total < GRAYLIST else "")
        parts = (f"{part:.1f}" for part in (score.topics, score.ip_colocation, score.behaviour))
        dialler = "us" if peer.outbound else "it"
        counts = (str(peer.queued_messages), str(peer.dropped_messages))
        table.add_row(peer.peer_id, peer.address, dialler, str(len(peer.topics)), total, *parts, *counts)
    return table


def meshes_table(meshes: Iterable[pb.TopicMesh]) -> Table:
    """Return a row for each topic."""
    table = Table("topic", "peers that listen", "of them in the mesh")
    for mesh in meshes:
        table.add_row(mesh.topic, str(mesh.subscribers), str(len(mesh.peer_ids)))
    return table


def scores_table(connected: Iterable[pb.Peer]) -> Table:
    """Return a row for each peer's topic that counts."""
    table = Table("peer", "topic", "time in mesh", "first deliveries", "invalid messages")
    for peer in connected:
        for part in peer.score.by_topic:
            values = (part.time_in_mesh, part.first_deliveries, part.invalid_messages)
            table.add_row(peer.peer_id, part.topic, *(f"{value:.2f}" for value in values))
    return table


async def _ask(place: ServicePlace) -> pb.PeersResponse:
    async with dialled(place) as channel:
        return await GatewayStub(channel).Peers(pb.PeersRequest(), timeout=DEADLINE_S)
