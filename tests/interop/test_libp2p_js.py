"""Our gateway and js-libp2p: handshake and gossip both ways, whoever dials, either muxer."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest
from libp2p.crypto.secp256k1 import Secp256k1PublicKey
from libp2p.peer.id import ID

from ssv_p2p_gateway.handshake.node_info import subnets_from_hex, subnets_to_hex
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.networks import LOCAL_ALAN_DOMAIN, MAINNET
from ssv_protocol.types.ids import DomainType, OperatorId
from ssv_runtime.files import write_atomically
from tests.interop.js_peer import LIBP2P, JsPeer, js_peer, missing
from tests.support.gateway_messages import Crowd, network_from_now
from tests.support.gateway_operators import Operator, registry_state, until, world_of

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.skipif(missing(LIBP2P) is not None, reason=str(missing(LIBP2P))),
]
COMMITTEE = (1, 2, 3, 4)
MESSAGES = 100
LARGE = 200_000
MUXERS = {"yamux": "/yamux/1.0.0", "mplex": "/mplex/6.7.0"}


@dataclass(frozen=True, slots=True)
class Scene:
    """Operator 1's gateway, and a peer that says what operator 2 would."""

    crowd: Crowd
    gateway: Operator
    peer: JsPeer
    muxer: str

    @property
    def gateway_id(self) -> str:
        return self.gateway.address.rpartition("/")[2]

    @property
    def peer_id(self) -> str:
        return self.peer.address.rpartition("/")[2]

    @property
    def subnet(self) -> int:
        return int(self.crowd.topic.rpartition(".")[2])

    async def become(self, domain: DomainType, subnet: int) -> None:
        """Have the peer say this of itself from now on."""
        await self.peer.do("become", domain=f"0x{domain.hex()}", subnets=subnets_to_hex({subnet}))

    async def gone(self) -> None:
        """Wait until the peer has no connection any more."""

        async def is_alone() -> bool:
            return not list(await self.peer.do("peers"))

        await until("the gateway hangs up", is_alone)


@asynccontextmanager
async def scene(folder: Path, muxer: str) -> AsyncIterator[Scene]:
    keys = {OperatorId(number): OperatorPrivateKey.generate() for number in COMMITTEE}
    network = network_from_now()
    crowd = Crowd(network, keys, COMMITTEE, 8)
    state = registry_state(crowd.keys, crowd.committees)
    async with world_of(folder, network, keys, [1], state) as world, js_peer(muxer, LIBP2P) as peer:
        (gateway,) = world.operators

        async def listens() -> bool:
            return crowd.topic in (await gateway.peers()).topics

        await until("a topic", listens)
        yield Scene(crowd, gateway, peer, muxer)


async def they_dial(one: Scene) -> dict[str, str]:
    """Have the peer dial and begin the handshake; return what our gateway told it."""
    connection = await one.peer.do("dial", address=one.gateway.address)
    assert (connection["security"], connection["muxer"]) == ("/noise", MUXERS[one.muxer])
    return dict(await one.peer.do("greet", address=one.gateway.address))


async def we_dial(one: Scene) -> dict[str, str]:
    """Have the gateway dial, and so begin the handshake; return what it told."""
    write_atomically(one.gateway.folder / "peers", f"{one.peer.address}\n".encode())

    async def told() -> dict[str, str] | None:
        return dict(await one.peer.do("told")).get(one.gateway_id)

    return dict(await until("a handshake", told))


@pytest.mark.parametrize(
    ("muxer", "meet"),
    [
        ("yamux", they_dial),
        ("mplex", we_dial),
        pytest.param("mplex", they_dial, marks=pytest.mark.full),
        pytest.param("yamux", we_dial, marks=pytest.mark.full),
    ],
)
async def test_handshake_and_gossip_both_ways(
    tmp_path: Path, muxer: str, meet: Callable[[Scene], Awaitable[dict[str, str]]]
) -> None:
    async with scene(tmp_path, muxer) as one:
        await one.become(LOCAL_ALAN_DOMAIN, one.subnet)
        await one.peer.do("subscribe", topic=one.crowd.topic)
        ours = await meet(one)
        key = Secp256k1PublicKey.from_bytes(bytes.fromhex(ours["key"]))
        assert str(ID.from_pubkey(key)) == one.gateway_id
        assert (ours["domain"], ours["NodeVersion"]) == (f"0x{LOCAL_ALAN_DOMAIN.hex()}", "ssv-py")
        assert subnets_from_hex(ours["Subnets"]) == {one.subnet}
        await one.gateway.metric('handshakes_total{result="done"} 1.0')
        (theirs,) = (await one.gateway.peers()).peers
        assert (theirs.agent, theirs.domain, list(theirs.subnets)) == ("js-peer", LOCAL_ALAN_DOMAIN, [one.subnet])
        assert await one.peer.do("ping", address=one.gateway.address) >= 0

        await one.gateway.meshed(one.crowd.topic, 1)

        async def is_meshed() -> bool:
            return bool(await one.peer.do("mesh", topic=one.crowd.topic))

        await until("the peer has us in its mesh", is_meshed)
        from_us = [*(one.crowd.message(0) for _ in range(MESSAGES)), one.crowd.message(0, LARGE)]
        from_them = [*(one.crowd.message(1) for _ in range(MESSAGES)), one.crowd.message(1, LARGE)]
        for message in from_us:
            assert (await one.gateway.publish(one.crowd.topic, message)).peers == 1
        await one.peer.do(
            "publish", topic=one.crowd.topic, data=[base64.b64encode(each).decode() for each in from_them]
        )

        async def all_came() -> bool:
            return len(await one.peer.do("received")) >= len(from_us)

        await until("the peer has them", all_came)
        assert Counter(await one.peer.do("received")) == digests(from_us)
        assert digests(await one.gateway.received(len(from_them))) == digests(from_them)
        answer = await one.gateway.peers()
        assert dict(answer.refused_by_reason) == {}
        assert answer.peers[0].score.total >= 0
        assert await one.peer.do("score", peer=one.gateway_id) >= 0


@pytest.mark.parametrize(
    ("domain", "shift", "reason"),
    [(MAINNET.alan_domain, 0, "other_network"), (LOCAL_ALAN_DOMAIN, 1, "no_common_subnet")],
    ids=["network", "subnet"],
)
async def test_who_is_not_of_us_is_hung_up_on(tmp_path: Path, domain: DomainType, shift: int, reason: str) -> None:
    async with scene(tmp_path, "yamux") as one:
        await one.become(domain, (one.subnet + shift) % 128)
        await they_dial(one)
        await one.gone()
        await one.gateway.metric(f'handshakes_total{{result="{reason}"}} 1.0')


def digests(messages: Sequence[bytes]) -> Counter[str]:
    return Counter(sha256(message).hexdigest() for message in messages)
