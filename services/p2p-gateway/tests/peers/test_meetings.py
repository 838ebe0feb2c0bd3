"""Real hosts on loopback that meet: who passes the handshake stays, who does not is hung up on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import structlog
import trio
from libp2p.abc import IHost, INetConn
from libp2p.crypto.secp256k1 import create_new_key_pair
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import info_from_p2p_addr
from multiaddr import Multiaddr

from ssv_p2p_gateway.handshake.errors import HandshakeReason
from ssv_p2p_gateway.handshake.exchange import Handshakes, Views
from ssv_p2p_gateway.handshake.node_info import NodeInfo
from ssv_p2p_gateway.host import Notifee, make_host, stop_dialling
from ssv_p2p_gateway.peers.meetings import ENDED_WELL, Meetings
from ssv_protocol.types.ids import DomainType

OLD, NEW = DomainType(b"\x00\x00\x04\x02"), DomainType(b"\x00\x00\x04\x03")
LISTEN = Multiaddr("/ip4/127.0.0.1/tcp/0")
PATIENCE_S = 30.0


@dataclass
class Side:
    host: IHost
    info: NodeInfo
    domains: frozenset[DomainType]
    handshakes: Handshakes = field(init=False)
    meetings: Meetings = field(init=False)
    ended: list[str] = field(default_factory=list)
    kept: set[ID] = field(default_factory=set)

    @property
    def id(self) -> ID:
        return self.host.get_id()

    def has(self, other: Side) -> bool:
        return bool(self.host.get_network().get_connections(other.id))

    async def dial(self, other: Side) -> None:
        await self.host.connect(info_from_p2p_addr(other.host.get_addrs()[0]))


def info(*subnets: int, domain: DomainType = OLD) -> NodeInfo:
    return NodeInfo(domain, "test", subnets=frozenset(subnets))


@asynccontextmanager
async def side(info: NodeInfo, *, serves: bool = True) -> AsyncIterator[Side]:
    key = create_new_key_pair()
    host = make_host(key, LISTEN)
    side = Side(host, info, frozenset({info.domain}))
    async with trio.open_nursery() as nursery, host.run([LISTEN]):
        await stop_dialling(host)
        views = Views(lambda: side.info, lambda: side.domains, is_kept=side.kept.__contains__)
        side.handshakes = Handshakes(host, key.private_key, views, lambda peer, told: None)
        network = host.get_network()
        log = structlog.get_logger()
        side.meetings = Meetings(network, side.handshakes, lambda: side.domains, side.ended.append, nursery, log)

        async def connected(connection: INetConn) -> None:
            side.meetings.connected(connection)

        def disconnected(connection: INetConn) -> None:
            side.meetings.disconnected(connection.muxed_conn.peer_id)

        if serves:
            network.register_notifee(Notifee(connected, disconnected))
            side.handshakes.serve()
        yield side
        nursery.cancel_scope.cancel()


def play(
    scenario: Callable[[Side, Side], Awaitable[None]], one: NodeInfo, other: NodeInfo, serves: bool = True
) -> None:
    async def run() -> None:
        with trio.fail_after(PATIENCE_S):
            async with AsyncExitStack() as stack:
                first = await stack.enter_async_context(side(one))
                second = await stack.enter_async_context(side(other, serves=serves))
                await first.dial(second)
                await scenario(first, second)

    trio.run(run)


async def until(condition: Callable[[], object]) -> None:
    while not condition():  # noqa: ASYNC110 (libp2p's own state tells nobody when it changes)
        await trio.sleep(0.01)


def test_who_passes_stays_and_is_forgotten_when_it_goes() -> None:
    async def scenario(one: Side, other: Side) -> None:
        await until(lambda: one.ended and other.ended)
        assert one.ended == other.ended == [ENDED_WELL]
        assert one.handshakes.known == {other.id: other.info}
        assert other.handshakes.known == {one.id: one.info}
        assert one.meetings.may_dial(other.id)
        await one.host.get_network().close_peer(other.id)
        await until(lambda: not other.has(one) and not one.has(other))
        await until(lambda: not one.handshakes.known and not other.handshakes.known)
        await one.dial(other)
        await until(lambda: len(one.ended) == len(other.ended) == 2)
        assert one.ended == other.ended == [ENDED_WELL] * 2

    play(scenario, info(1), info(1, 2))


def test_a_peer_of_another_network_is_hung_up_on() -> None:
    async def scenario(one: Side, other: Side) -> None:
        await until(lambda: one.ended and other.ended)
        assert HandshakeReason.OTHER_NETWORK in {*one.ended, *other.ended}
        await until(lambda: not one.has(other) and not other.has(one))
        assert not one.handshakes.known
        assert not other.handshakes.known
        refuser, peer = (one, other) if HandshakeReason.OTHER_NETWORK in one.ended else (other, one)
        assert not refuser.meetings.may_dial(peer.id)

    play(scenario, info(1), info(1, domain=NEW))


def test_who_dials_without_a_common_subnet_is_hung_up_on() -> None:
    async def scenario(one: Side, other: Side) -> None:
        await until(lambda: other.ended == [HandshakeReason.NO_COMMON_SUBNET])
        await until(lambda: not one.has(other))

    play(scenario, info(1), info(2))


def test_a_kept_peer_needs_no_common_subnet() -> None:
    async def scenario(one: Side, other: Side) -> None:
        await until(lambda: one.ended and other.ended)
        other.kept.add(one.id)
        await one.host.get_network().close_peer(other.id)
        await until(lambda: not other.has(one))
        one.ended.clear()
        other.ended.clear()
        await one.dial(other)
        await until(lambda: one.ended and other.ended)
        assert (one.ended, other.ended) == ([ENDED_WELL], [ENDED_WELL])
        assert one.has(other)

    play(scenario, info(1), info(2))


def test_a_peer_without_the_protocol_is_hung_up_on() -> None:
    async def scenario(one: Side, other: Side) -> None:
        await until(lambda: one.ended == [HandshakeReason.UNREACHABLE])
        await until(lambda: not other.has(one))

    play(scenario, info(1), info(1), serves=False)


def test_after_a_fork_those_stay_who_went_with_it() -> None:
    async def scenario(one: Side, other: Side) -> None:
        await until(lambda: one.ended and other.ended)
        for side in (one, other):
            side.info, side.domains = info(1, domain=NEW), frozenset({NEW})
        one.meetings.look()
        await until(lambda: len(one.ended) == 2)
        assert one.ended == [ENDED_WELL] * 2
        assert one.handshakes.known == {other.id: other.info}
        assert one.has(other)

    play(scenario, info(1), info(1))


def test_after_a_fork_those_go_who_did_not() -> None:
    async def scenario(one: Side, other: Side) -> None:
        await until(lambda: one.ended and other.ended)
        one.info, one.domains = info(1, domain=NEW), frozenset({NEW})
        one.meetings.look()
        await until(lambda: one.ended == [ENDED_WELL, HandshakeReason.OTHER_NETWORK])
        await until(lambda: not other.has(one))

    play(scenario, info(1), info(1))
