"""Peers that visit a gateway one after another, in a process of their own, so that no object of theirs is in its."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection as Pipe

import trio
from libp2p import new_host
from libp2p.abc import IHost, INetStream
from libp2p.crypto.secp256k1 import create_new_key_pair
from libp2p.crypto.x25519 import create_new_key_pair as new_noise_key
from libp2p.peer.peerinfo import PeerInfo
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE
from libp2p.security.noise.transport import Transport as NoiseTransport
from libp2p.stream_muxer.mplex.mplex import MPLEX_PROTOCOL_ID, Mplex

from ssv_gossipsub.wire import encode
from ssv_gossipsub.wire.rpc import Rpc, Subscription
from ssv_p2p_gateway.addresses import listen_address, peer_address
from ssv_p2p_gateway.gossip.gossip import PROTOCOLS
from ssv_p2p_gateway.host import make_host, quiet_library

LISTEN = listen_address("/ip4/127.0.0.1/tcp/0")
TOPIC = "ssv.v2.7"


def stock_host() -> IHost:
    key = create_new_key_pair()
    noise = NoiseTransport(key, new_noise_key().private_key)
    return new_host(key_pair=key, sec_opt={NOISE: noise}, muxer_opt={MPLEX_PROTOCOL_ID: Mplex}, listen_addrs=[LISTEN])


def our_host() -> IHost:
    return make_host(create_new_key_pair(), LISTEN)


@contextmanager
def visiting() -> Iterator[Pipe]:
    """Start the process; it is asked with (how to make a host, the gateway's address, whether the gateway dials)."""
    context = multiprocessing.get_context("spawn")  # what the test's process has of trio and gRPC can't be forked
    near, far = context.Pipe()
    process = context.Process(target=_visitors, args=(far,), daemon=True)
    process.start()
    far.close()  # so that a process that died is an end of file here, not silence
    try:
        yield near
    finally:
        process.kill()
        process.join()


def _visitors(pipe: Pipe) -> None:
    """Be one peer after another: tell the address, say a message, leave when told."""
    quiet_library()
    while True:
        make, gateway, dialled = pipe.recv()
        trio.run(_visit, pipe, make, peer_address(gateway), dialled)


async def _visit(pipe: Pipe, make: Callable[[], IHost], gateway: PeerInfo, dialled: bool) -> None:
    async def hear(stream: INetStream) -> None:
        with suppress(Exception):  # the end of the connection
            while await stream.read(1024):
                pass

    host = make()
    for protocol in PROTOCOLS:
        host.set_stream_handler(protocol, hear)
    async with host.run([LISTEN]):
        if dialled:
            pipe.send(str(host.get_addrs()[0]))
            await trio.to_thread.run_sync(pipe.recv)
        else:
            await host.connect(gateway)
        stream = await host.new_stream(gateway.peer_id, PROTOCOLS)
        data = os.urandom(16)
        message = encode.message(host.get_id().to_bytes(), data, os.urandom(8), TOPIC)
        hello = encode.frame(encode.rpc(Rpc([Subscription(TOPIC, True)])))
        await stream.write(hello + encode.message_frame(message.encoded))
        pipe.send((host.get_id().to_bytes(), data))
        await trio.to_thread.run_sync(pipe.recv)
