"""`ssvctl peers`: whom the gateway is connected to, how each peer is scored, and who is not let in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ssv_api.v1 import gateway_pb2 as pb
from ssv_api.v1.gateway_pb2_grpc import GatewayStub
from ssv_runtime.names import P2P_GATEWAY
from ssvctl.errors import reported
from ssvctl.signer_client import ServicePlace, dialled, find_service

DEADLINE_S = 10.0
LONGEST_SOFTWARE = 24
ID_DIGITS = 8
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
    if answer.record:
        nodes = ", ".join(f"{count} by {protocol}" for protocol, count in sorted(answer.discovered.items()))
        console.print(f"nodes known: {nodes}; {answer.candidates} were found that share a subnet")
        console.print(f"own record: {answer.record}", soft_wrap=True)
    console.print(peers_table(answer.peers))
    if topics:
        console.print(meshes_table(answer.meshes))
        console.print(scores_table(answer.peers))
    if answer.banned:
        console.print(f"let go, and not let in again yet: {', '.join(answer.banned)}")


def peers_table(connected: Iterable[pb.Peer]) -> Table:
    """Return a row for each peer, the worst first; of its id the end, for all begin alike."""
    table = Table(box=SIMPLE, pad_edge=False)
    for heading in ("peer", "address", "dialled by", "software"):
        table.add_column(heading, no_wrap=heading != "software")
    for heading, width in (("topics", 6), ("score", 12), ("of topics", 8), ("of address", 7), ("of behaviour", 9)):
        table.add_column(heading, justify="right", min_width=width)
    for heading in ("queued", "dropped"):
        table.add_column(heading, justify="right", min_width=len(heading))
    for peer in sorted(connected, key=lambda peer: peer.score.total):
        score = peer.score
        total = f"{score.total:.1f}" + (" (graylisted)" if score.total < GRAYLIST else "")
        parts = (f"{part + 0.0:.1f}" for part in (score.topics, score.ip_colocation, score.behaviour))
        software = escape(printable(peer.agent)) if peer.domain else "(no handshake)"
        counts = (str(peer.queued_messages), str(peer.dropped_messages))
        table.add_row(
            f"…{peer.peer_id[-ID_DIGITS:]}", short_address(peer.address), "us" if peer.outbound else "it", software,
            str(len(peer.topics)), total, *parts, *counts,
        )  # fmt: skip
    return table


def short_address(address: str) -> str:
    """Return a multiaddr of TCP as IP address and port, any other as it is."""
    match address.split("/"):
        case ["", "ip4", ip, "tcp", port, *_]:
            return f"{ip}:{port}"
        case ["", "ip6", ip, "tcp", port, *_]:
            return f"[{ip}]:{port}"
    return address


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
            table.add_row(peer.peer_id, part.topic, *(f"{value + 0.0:.2f}" for value in values))
    return table


def printable(text: str) -> str:
    """Return what a peer says of itself, fit for a terminal."""
    return "".join(each if each.isprintable() else "?" for each in text)[:LONGEST_SOFTWARE]


async def _ask(place: ServicePlace) -> pb.PeersResponse:
    async with dialled(place) as channel:
        return await GatewayStub(channel).Peers(pb.PeersRequest(), timeout=DEADLINE_S)
