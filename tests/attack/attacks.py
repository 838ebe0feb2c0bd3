"""What the hostile peer does, by name. Each is bounded in count and by the seconds of its job."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress

import trio
from libp2p.peer.peerinfo import PeerInfo

from ssv_gossipsub.wire import encode
from ssv_gossipsub.wire.rpc import Control, IHave, Prune, Rpc, Subscription
from ssv_p2p_gateway.gossip.parameters import MAX_RPC_BYTES
from ssv_p2p_gateway.message_id import message_id
from tests.attack.peer import Peer

Attack = Callable[[Peer], Awaitable[None]]
ID_BYTES = 12
PAUSE_S = 0.02


async def say_materials(peer: Peer) -> None:
    """Publish what it was given, one after the other."""
    for data in peer.materials:
        await peer.say(data)
        await trio.sleep(PAUSE_S)


async def flood(peer: Peer) -> None:
    """Publish what it was given as fast as it goes."""
    for data in peer.materials:
        await peer.say(data)


async def junk(peer: Peer) -> None:
    """Publish what is no SSZ."""
    for _ in range(40):
        await peer.say(os.urandom(300))
        await trio.sleep(PAUSE_S)


async def wrong_topic(peer: Peer) -> None:
    """Publish good messages on another topic than their committee's, and on one that does not exist."""
    for data in peer.materials:
        await peer.say(data, str(peer.job["other_topic"]))
        await peer.say(data, "no.such.topic")
        await trio.sleep(PAUSE_S)


async def oversized(peer: Peer) -> None:
    """Send RPCs larger than any may be: the length alone, and the first megabytes."""
    for size in (MAX_RPC_BYTES + 1, 1 << 31, 1 << 40):
        head, value = b"", size
        while value > 0x7F:
            head += bytes((value & 0x7F | 0x80,))
            value >>= 7
        await peer.write(head + bytes((value,)) + bytes(1 << 20))
        await trio.sleep(0.5)


async def no_rpc(peer: Peer) -> None:
    """Send frames that are no protobuf, opening the stream anew each time."""
    for _ in range(60):
        await peer.write(encode.frame(b"\xff" * 50))
        await trio.sleep(0.05)


async def ihave_flood(peer: Peer) -> None:
    """Advertise messages that do not exist, and never send them."""
    while True:
        for _ in range(40):
            ids = [os.urandom(ID_BYTES) for _ in range(20)]
            await peer.rpc(Rpc(control=Control(ihave=[IHave(peer.topic, ids)])))
        await trio.sleep(0.7)


async def huge_ihaves(peer: Peer) -> None:
    """Advertise many thousands of ids at once."""
    for _ in range(30):
        ids = [os.urandom(ID_BYTES) for _ in range(20_000)]
        await peer.rpc(Rpc(control=Control(ihave=[IHave(peer.topic, ids)])))
        await trio.sleep(0.1)


async def graft_flood(peer: Peer) -> None:
    """Leave the mesh, and GRAFT again and again while the backoff runs."""
    await peer.rpc(Rpc(control=Control(prune=[Prune(peer.topic, 60)])))
    for _ in range(80):
        await peer.rpc(Rpc(control=Control(graft=[peer.topic])))
        await trio.sleep(PAUSE_S)


async def iwant_amplification(peer: Peer) -> None:
    """Ask a thousand times for the same messages."""
    wanted = [message_id(data) for data in peer.materials]
    for _ in range(1000):
        await peer.rpc(Rpc(control=Control(iwant=[one for one in wanted for _ in range(5)])))
        await trio.sleep(0.001)


async def subscriptions(peer: Peer) -> None:
    """Subscribe ten thousand topics, in one RPC and in many."""
    every = [Subscription(f"ssv.v2.{number}", True) for number in range(10_000)]
    await peer.rpc(Rpc(every))
    for start in range(0, len(every), 100):
        await peer.rpc(Rpc(every[start : start + 100]))


async def half_open_streams(peer: Peer) -> None:
    """Open streams that never say their protocol, and connections that never shake hands."""
    connection = peer.host.get_network().get_connections(peer.target.peer_id)[0]
    opened = [await connection.muxed_conn.open_stream() for _ in range(500)]
    silent = []
    host, port = _endpoint(peer.target)
    for _ in range(100):
        one = socket.socket()
        one.bind((str(peer.job["from"]), 0))
        one.setblocking(False)
        one.connect_ex((host, port))
        silent.append(one)
        await trio.sleep(0.005)
    await trio.sleep(4)
    for one in silent:
        one.close()
    del opened


async def slow_reads(peer: Peer) -> None:
    """Stay in the mesh and read nothing; `Peer.reads` is off for this one."""
    await trio.sleep_forever()


async def sybils(peer: Peer) -> None:
    """Come back a hundred times from one address, each time as somebody else."""
    for _ in range(100):
        other = Peer(peer.job, peer.nursery)

        async def join(other: Peer = other) -> None:
            with suppress(Exception):  # the library raises many kinds when it is hung up on
                await other.run()

        peer.nursery.start_soon(join)
        await trio.sleep(0.03)
    await trio.sleep_forever()


async def datagrams(peer: Peer) -> None:
    """Send to the discovery port what is no packet, and what is nearly one."""
    host, port = _endpoint(peer.target)[0], int(peer.job["udp_port"])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.bind((str(peer.job["from"]), 0))
        for number in range(20_000):
            body = os.urandom(16) + os.urandom(number % 1265)
            out.sendto(body if number % 3 else struct.pack(">Q", number) * 8, (host, port))
            if number % 50 == 0:
                await trio.sleep(0.005)


def _endpoint(info: PeerInfo) -> tuple[str, int]:
    address = info.addrs[0]
    return str(address.value_for_protocol("ip4")), int(str(address.value_for_protocol("tcp")))


ATTACKS: dict[str, Attack] = {
    attack.__name__: attack
    for attack in (
        say_materials, flood, junk, wrong_topic, oversized, no_rpc, ihave_flood, huge_ihaves, graft_flood,
        iwant_amplification, subscriptions, half_open_streams, slow_reads, sybils, datagrams,
    )
}  # fmt: skip
