"""Two real hosts on loopback, one of which may be up to no good."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import pytest
import trio
import trio.testing
from libp2p.abc import IHost, INetStream
from libp2p.crypto.keys import KeyPair
from libp2p.crypto.secp256k1 import create_new_key_pair
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import info_from_p2p_addr
from multiaddr import Multiaddr

from ssv_p2p_gateway.handshake.errors import HandshakeError, HandshakeReason
from ssv_p2p_gateway.handshake.exchange import MOST_AT_ONCE, MOST_BYTES, PROTOCOL, Handshakes, Views
from ssv_p2p_gateway.handshake.node_info import NodeInfo
from ssv_p2p_gateway.handshake.sealed import seal
from ssv_p2p_gateway.host import make_host, stop_dialling
from ssv_protocol.types.ids import DomainType

OURS, OTHERS = DomainType(b"\x00\x00\x04\x02"), DomainType(b"\x00\x00\x05\x03")
LISTEN = Multiaddr("/ip4/127.0.0.1/tcp/0")


@dataclass
class Side:
    """A host and its handshakes."""

    host: IHost
    key: KeyPair
    info: NodeInfo
    unwanted: set[ID] = field(default_factory=set)
    told: list[tuple[ID, NodeInfo]] = field(default_factory=list)
    patience_s: float = 20.0

    def __post_init__(self) -> None:
        views = Views(lambda: self.info, lambda: frozenset({OURS}), self.unwanted.__contains__)
        self.handshakes = Handshakes(
            self.host,
            self.key.private_key,
            views,
            lambda *told: self.told.append(told),
            request_timeout_s=self.patience_s,
            inbound_timeout_s=self.patience_s,
        )

    @property
    def id(self) -> ID:
        return self.host.get_id()


@asynccontextmanager
async def side(info: NodeInfo, patience_s: float = 20.0) -> AsyncIterator[Side]:
    key = create_new_key_pair()
    host = make_host(key, LISTEN)
    async with host.run([LISTEN]):
        await stop_dialling(host)
        yield Side(host, key, info, patience_s=patience_s)


def info(domain: DomainType = OURS, *subnets: int) -> NodeInfo:
    return NodeInfo(domain, "test", subnets=frozenset(subnets))


def play(
    scenario: Callable[[Side, Side], Awaitable[None]],
    dialler: NodeInfo,
    listener: NodeInfo,
    patience_s: float = 20.0,
) -> None:
    """Run a scenario with a side that has dialled and one that was."""

    async def run() -> None:
        async with AsyncExitStack() as stack:
            one = await stack.enter_async_context(side(dialler, patience_s))
            other = await stack.enter_async_context(side(listener, patience_s))
            await one.host.connect(info_from_p2p_addr(other.host.get_addrs()[0]))
            await scenario(one, other)

    trio.run(run)


async def reason_of(handshake: Callable[[ID], Awaitable[NodeInfo]], peer: ID) -> HandshakeReason | None:
    """Return why a handshake fails; None when it does not."""
    try:
        await handshake(peer)
    except HandshakeError as error:
        return error.reason
    return None


def test_each_learns_what_the_other_tells() -> None:
    async def scenario(one: Side, other: Side) -> None:
        other.handshakes.serve()
        assert await one.handshakes.greet(other.id) == other.info
        assert await other.handshakes.await_greeting(one.id) == one.info
        assert (one.told, other.told) == ([(other.id, other.info)], [(one.id, one.info)])
        other.info = info(OURS, 1, 2, 3)  # topics changed: the next one hears it
        await one.handshakes.greet(other.id)
        assert one.handshakes.known == {other.id: other.info}
        one.handshakes.forget(other.id)
        assert one.handshakes.known == {}

    play(scenario, info(OURS, 1), info(OURS, 1, 2))


def test_whoever_waits_first_is_woken() -> None:
    async def scenario(one: Side, other: Side) -> None:
        other.handshakes.serve()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(other.handshakes.await_greeting, one.id)
            await trio.testing.wait_all_tasks_blocked()
            nursery.start_soon(one.handshakes.greet, other.id)

    play(scenario, info(), info())


def test_peers_of_two_networks_refuse_each_other() -> None:
    async def scenario(one: Side, other: Side) -> None:
        other.handshakes.serve()
        assert await reason_of(one.handshakes.greet, other.id) is None  # whose network it is, it says
        assert await reason_of(other.handshakes.await_greeting, one.id) is HandshakeReason.OTHER_NETWORK
        assert other.handshakes.known == {}

    play(scenario, info(OTHERS), info(OURS))


def test_a_peer_of_another_network_is_refused_by_who_dialled() -> None:
    async def scenario(one: Side, other: Side) -> None:
        other.handshakes.serve()
        assert await reason_of(one.handshakes.greet, other.id) is HandshakeReason.OTHER_NETWORK

    play(scenario, info(OURS), info(OTHERS))


def test_who_dials_without_a_common_subnet_is_refused() -> None:
    async def scenario(one: Side, other: Side) -> None:
        other.handshakes.serve()
        await one.handshakes.greet(other.id)
        assert await reason_of(other.handshakes.await_greeting, one.id) is HandshakeReason.NO_COMMON_SUBNET

    play(scenario, info(OURS, 1), info(OURS, 2))


def test_a_peer_with_a_bad_score_is_refused() -> None:
    async def scenario(one: Side, other: Side) -> None:
        other.handshakes.serve()
        one.unwanted.add(other.id)
        assert await reason_of(one.handshakes.greet, other.id) is HandshakeReason.UNWANTED

    play(scenario, info(), info())


def answering(data: Callable[[Side], bytes]) -> Callable[[Side], Callable[[INetStream], Awaitable[None]]]:
    def made(side: Side) -> Callable[[INetStream], Awaitable[None]]:
        async def answer(stream: INetStream) -> None:
            await stream.write(data(side))
            await stream.close()

        return answer

    return made


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (lambda side: b"", HandshakeReason.UNREADABLE),
        (lambda side: b"\xff" * 100, HandshakeReason.UNREADABLE),
        (lambda side: bytes(MOST_BYTES + 1), HandshakeReason.TOO_LARGE),
        (lambda side: seal(side.key.private_key, b"no node info"), HandshakeReason.UNREADABLE),
        (lambda side: seal(create_new_key_pair().private_key, side.info.encode()), HandshakeReason.FORGED),
    ],
)
def test_bad_answers_are_refused(data: Callable[[Side], bytes], reason: HandshakeReason) -> None:
    async def scenario(one: Side, other: Side) -> None:
        other.host.set_stream_handler(PROTOCOL, answering(data)(other))
        assert await reason_of(one.handshakes.greet, other.id) is reason
        assert one.handshakes.known == {}

    play(scenario, info(), info())


def test_bad_greetings_are_refused_by_who_waits() -> None:
    async def scenario(one: Side, other: Side) -> None:
        other.handshakes.serve()
        stream = await one.host.new_stream(other.id, [PROTOCOL])
        await stream.write(b"\xff" * 100)
        await stream.close()
        assert await reason_of(other.handshakes.await_greeting, one.id) is HandshakeReason.UNREADABLE

    play(scenario, info(), info())


def test_who_does_not_speak_the_protocol_is_refused() -> None:
    async def scenario(one: Side, other: Side) -> None:
        assert await reason_of(one.handshakes.greet, other.id) is HandshakeReason.UNREACHABLE

    play(scenario, info(), info())


def test_who_says_nothing_is_let_go() -> None:
    async def scenario(one: Side, other: Side) -> None:
        async def silent(stream: INetStream) -> None:
            await trio.sleep_forever()

        other.host.set_stream_handler(PROTOCOL, silent)
        assert await reason_of(one.handshakes.greet, other.id) is HandshakeReason.TIMEOUT
        assert await reason_of(other.handshakes.await_greeting, one.id) is HandshakeReason.TIMEOUT

    play(scenario, info(), info(), patience_s=0.5)


def test_a_peer_has_few_exchanges_under_way() -> None:
    async def scenario(one: Side, other: Side) -> None:
        other.handshakes.serve()
        # half-open: each begins, and none goes on
        streams = [await one.host.new_stream(other.id, [PROTOCOL]) for _ in range(MOST_AT_ONCE)]
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert await reason_of(one.handshakes.greet, other.id) is not None
        await streams[0].close()
        assert await reason_of(other.handshakes.await_greeting, one.id) is HandshakeReason.UNREADABLE
        assert await reason_of(one.handshakes.greet, other.id) is None

    play(scenario, info(), info())


def test_who_spoke_while_going_is_forgotten() -> None:
    async def scenario(one: Side, other: Side) -> None:
        other.handshakes.serve()
        await one.handshakes.greet(other.id)
        await other.handshakes.await_greeting(one.id)
        other.handshakes.keep_only({one.id})
        assert other.handshakes.known == {one.id: one.info}
        other.handshakes.keep_only(set())
        assert other.handshakes.known == {}

    play(scenario, info(), info())
