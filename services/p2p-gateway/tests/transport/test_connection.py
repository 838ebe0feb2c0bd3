"""Real connections on loopback: with ourselves, with py-libp2p's own Yamux, and with its mplex."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from itertools import product

import pytest
import trio
from libp2p import create_yamux_muxer_option, new_host
from libp2p.abc import IHost, INetStream
from libp2p.crypto.secp256k1 import create_new_key_pair
from libp2p.crypto.x25519 import create_new_key_pair as new_noise_key
from libp2p.custom_types import TMuxerOptions, TProtocol
from libp2p.network.stream.exceptions import StreamEOF, StreamError
from libp2p.network.stream.net_stream import NetStream
from libp2p.peer.peerinfo import PeerInfo
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE
from libp2p.security.noise.transport import Transport as NoiseTransport
from libp2p.stream_muxer.mplex.mplex import MPLEX_PROTOCOL_ID, Mplex

from ssv_p2p_gateway.addresses import listen_address
from ssv_p2p_gateway.guest import run_trio
from ssv_p2p_gateway.host import make_host
from ssv_p2p_gateway.transport.connection import HIGH_WATER_BYTES, Connection
from ssv_p2p_gateway.transport.stream import MuxedStream

pytestmark = pytest.mark.asyncio
ECHO, HOLD = TProtocol("/echo/1"), TProtocol("/hold/1")
LISTEN = listen_address("/ip4/127.0.0.1/tcp/0")


def ours() -> IHost:
    return make_host(create_new_key_pair(), LISTEN)


def stock(muxer: TMuxerOptions) -> IHost:
    key = create_new_key_pair()
    return new_host(
        key_pair=key,
        listen_addrs=[LISTEN],
        muxer_opt=muxer,
        sec_opt={NOISE: NoiseTransport(key, new_noise_key().private_key)},
    )


OTHERS: dict[str, Callable[[], IHost]] = {
    "ours": ours,
    "stock yamux": lambda: stock(create_yamux_muxer_option()),
    "mplex": lambda: stock({TProtocol(MPLEX_PROTOCOL_ID): Mplex}),
}


async def echo(stream: INetStream) -> None:
    """Send back what comes until there is no more, then say so too."""
    try:
        while chunk := await stream.read(65_536):
            await stream.write(chunk)
    except StreamEOF:
        await stream.close()
    except StreamError:
        pass


@asynccontextmanager
async def connected(dialler: IHost, listener: IHost) -> AsyncIterator[None]:
    for host in (dialler, listener):
        host.set_stream_handler(ECHO, echo)
    async with dialler.run([LISTEN]), listener.run([LISTEN]):
        await dialler.connect(PeerInfo(listener.get_id(), listener.get_transport_addrs()))
        await until(lambda: listener.get_network().get_connections(dialler.get_id()))
        yield


def net_stream(stream: INetStream) -> NetStream:
    assert isinstance(stream, NetStream)
    return stream


def muxed_stream(stream: INetStream) -> MuxedStream:
    muxed = net_stream(stream).muxed_stream
    assert isinstance(muxed, MuxedStream)
    return muxed


async def until(condition: Callable[[], object]) -> None:
    while not condition():  # noqa: ASYNC110 (of the library's, which has no event)
        await trio.sleep(0.01)


async def echoed(host: IHost, other: IHost, data: bytes, *, half_close: bool = True) -> bytes:
    """Say something and return what comes back: all up to the end, or as much as was said."""
    stream = await host.new_stream(other.get_id(), [ECHO])
    got = bytearray()
    async with trio.open_nursery() as nursery:

        async def say() -> None:
            await stream.write(data)
            if half_close:
                await net_stream(stream).close_write()

        if half_close:
            nursery.start_soon(say)
        else:
            await say()
        try:
            while half_close or len(got) < len(data):
                got += await stream.read(65_536)
        except StreamEOF:
            pass
    if not half_close:
        await stream.reset()
    return bytes(got)


async def guest(work: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        with trio.fail_after(60):
            await work()

    await run_trio(limited)


@pytest.mark.parametrize(("other", "we_dial"), list(product(OTHERS, [True, False])))
async def test_streams_of_both_sides_carry_everything(other: str, we_dial: bool) -> None:
    async def work() -> None:
        near, far = ours(), OTHERS[other]()
        mplex = other == "mplex"  # the library's mplex neither half-closes nor reads while it writes
        sizes = (1, 10_000) if mplex else (1, 100_000, 3_000_000)
        async with connected(*((near, far) if we_dial else (far, near))):
            (connection,) = near.get_network().get_connections(far.get_id())
            assert isinstance(connection.muxed_conn, Connection) != mplex
            for host, peer in ((near, far), (far, near)):
                for size in sizes:
                    data = sha256(b"seed").digest() * (size // 32 + 1)
                    assert await echoed(host, peer, data[:size], half_close=not mplex) == data[:size]
                async with trio.open_nursery() as nursery:

                    async def several(host: IHost, peer: IHost, data: bytes) -> None:
                        assert await echoed(host, peer, data, half_close=not mplex) == data

                    for number in range(10):
                        nursery.start_soon(several, host, peer, bytes([number]) * sizes[1])

    await guest(work)


async def test_a_reset_is_heard_and_a_closed_connection_ends_all_streams() -> None:
    async def work() -> None:
        near, far = ours(), ours()
        held: list[INetStream] = []

        async def hold(stream: INetStream) -> None:
            held.append(stream)
            await trio.sleep_forever()

        far.set_stream_handler(HOLD, hold)
        async with connected(near, far):
            first = await near.new_stream(far.get_id(), [HOLD])
            second = await near.new_stream(far.get_id(), [HOLD])
            await first.write(b"x")
            await second.write(b"x")
            await until(lambda: len(held) == 2)
            await held[0].reset()
            with pytest.raises(StreamError):
                await first.read(10)
            await far.disconnect(near.get_id())
            with pytest.raises((StreamError, StreamEOF)):
                await second.read(10)
            with pytest.raises(StreamError):
                await second.write(b"y")
            await until(lambda: not near.get_network().get_connections(far.get_id()))

    await guest(work)


async def test_who_does_not_read_makes_the_writer_wait() -> None:
    async def work() -> None:
        near, far = ours(), ours()
        held: list[INetStream] = []

        async def hold(stream: INetStream) -> None:
            held.append(stream)
            await trio.sleep_forever()

        far.set_stream_handler(HOLD, hold)
        async with connected(near, far):
            stream = await near.new_stream(far.get_id(), [HOLD])
            muxed = muxed_stream(stream)
            room: list[int] = []
            muxed.when_writable(lambda: room.append(1))
            written = 0
            while muxed.writable:
                muxed.write_now(bytes(10_000))
                muxed.muxed_conn.flush()
                written += 10_000
            assert written < 2 * HIGH_WATER_BYTES
            await until(lambda: held)
            room.clear()
            got = 0
            while got < written:
                got += len(await held[0].read(65_536))
            assert got == written
            await until(lambda: muxed.writable)
            assert room

    await guest(work)


async def test_a_pipe_gets_what_came_before_and_after_in_order() -> None:
    async def work() -> None:
        near, far = ours(), ours()
        held: list[INetStream] = []

        async def hold(stream: INetStream) -> None:
            held.append(stream)
            await trio.sleep_forever()

        far.set_stream_handler(HOLD, hold)
        async with connected(near, far):
            stream = await near.new_stream(far.get_id(), [HOLD])
            await stream.write(b"before ")
            await until(lambda: held)
            pipe = muxed_stream(held[0])
            got = bytearray()
            pipe.pipe_to(got.extend)
            await stream.write(b"during ")
            await until(lambda: b"during " in got)
            pipe.pipe_to(None)
            await stream.write(b"paused ")
            assert await echoed(near, far, b"another stream, which is later") == b"another stream, which is later"
            assert got == b"before during "
            pipe.pipe_to(got.extend)
            assert got == b"before during paused "
            await stream.close()
            await pipe.ended.wait()

    await guest(work)


async def test_a_host_that_is_cancelled_hangs_up() -> None:
    async def work() -> None:
        near, far = ours(), ours()
        near.set_stream_handler(ECHO, echo)
        async with far.run([LISTEN]):
            async with trio.open_nursery() as nursery:

                async def run_near() -> None:
                    async with near.run([LISTEN]):
                        await near.connect(PeerInfo(far.get_id(), far.get_transport_addrs()))
                        await trio.sleep_forever()

                nursery.start_soon(run_near)
                await until(lambda: far.get_network().get_connections(near.get_id()))
                nursery.cancel_scope.cancel()
            await until(lambda: not far.get_network().get_connections(near.get_id()))

    await guest(work)


async def test_garbage_ends_the_connection_and_nothing_else() -> None:
    async def work() -> None:
        near, far, third = ours(), ours(), ours()
        async with connected(near, far), third.run([LISTEN]):
            await third.connect(PeerInfo(far.get_id(), far.get_transport_addrs()))
            (connection,) = near.get_network().get_connections(far.get_id())
            muxed = connection.muxed_conn
            assert isinstance(muxed, Connection)
            await muxed._stream.send_all(b"\x00\x20" + bytes(32))
            await until(lambda: not far.get_network().get_connections(near.get_id()))
            assert await echoed(third, far, b"still here") == b"still here"

    await guest(work)
