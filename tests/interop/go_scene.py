"""A gateway of ours, run as a service, and Go peers, on one topic with enough committees for many good messages."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.forks import Network
from ssv_protocol.registry.state import RegistryState
from ssv_protocol.types.ids import OperatorId
from ssv_runtime.files import write_atomically
from tests.interop.go_peer import GoPeer, GoProcess, expected_messages, go_process
from tests.support.gateway_messages import Author, Crowd, network_from_now
from tests.support.gateway_operators import Operator, registry_state, until, world_of

COMMITTEE = (1, 2, 3, 4)
COMMITTEES = 16
OWN_SEAT = 0


@dataclass(frozen=True, slots=True)
class Scene:
    """The gateway is operator 1's; Go peers say what the others of each committee would."""

    network: Network
    crowd: Crowd
    state: RegistryState
    gateway: Operator
    go: GoProcess

    @property
    def topic(self) -> str:
        return self.crowd.topic

    async def open(self, *, muxer: str = "yamux", listen: str = "127.0.0.1", judging: bool = False) -> GoPeer:
        """Start a Go peer on the topic."""
        slot = Author(self.network, self.crowd.keys, COMMITTEE).slot
        topics = expected_messages(self.network, slot, self.state, [self.topic])
        keys = self.crowd.keys if judging else None
        return await self.go.open(self.network, topics, muxer=muxer, listen=listen, operators=keys)

    def dial(self, peers: Sequence[GoPeer]) -> None:
        """Have the gateway stay connected to these peers."""
        write_atomically(self.gateway.folder / "peers", "".join(f"{peer.address}\n" for peer in peers).encode())

    @property
    def peer_id(self) -> str:
        """Return the gateway's id."""
        return self.gateway.address.rpartition("/")[2]

    async def meshed(self, peer: GoPeer) -> None:
        """Wait until the gateway and a peer exchange whole messages, by the word of both."""
        own, topic = self.peer_id, self.topic

        async def is_so() -> bool:
            theirs = (await peer.report())["neighbours"].get(own)
            return theirs is not None and topic in theirs["mesh"]

        await self.gateway.meshed(topic, 1)
        await until("the Go peer has us in its mesh", is_so)

    async def publish(self, messages: Sequence[bytes], per_s: float) -> None:
        """Have the gateway publish at an even pace; raises AssertionError for what it takes for bad."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        requests = []
        for number, message in enumerate(messages):
            await asyncio.sleep(max(0.0, begun + number / per_s - loop.time()))
            requests.append(asyncio.create_task(self.gateway.publish(self.topic, message)))
        for reply in await asyncio.gather(*requests):
            assert not reply.error, reply.error

    def own_messages(self, count: int, size: int = 0) -> list[bytes]:
        return [self.crowd.message(OWN_SEAT, size) for _ in range(count)]

    def others_messages(self, count: int, size: int = 0) -> list[bytes]:
        others = [seat for seat in range(len(COMMITTEE)) if seat != OWN_SEAT]
        return [self.crowd.message(others[number % len(others)], size) for number in range(count)]

    async def heard_by_gateway(self, messages: Sequence[bytes]) -> None:
        """Wait until the gateway's bus has had all these, and see that it had them once and nothing else."""
        came = await self.gateway.received(len(messages))
        assert Counter(map(digest, came)) == Counter(map(digest, messages)), await self.refused()

    async def heard_by(self, peer: GoPeer, messages: Sequence[bytes]) -> None:
        """Wait until a Go peer has had all these, and see that it had them once and nothing else."""

        async def all_came() -> bool:
            return len(await peer.received()) >= len(messages)

        await until(f"a Go peer has {len(messages)} messages", all_came)
        assert Counter(await peer.received()) == Counter(map(digest, messages))

    async def refused(self) -> dict[str, int]:
        """Return what the gateway refused, by reason."""
        return dict((await self.gateway.peers()).refused_by_reason)


def digest(message: bytes) -> str:
    return sha256(message).hexdigest()


@asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    """Start the gateway with its bus, and a Go process without peers."""
    keys = {OperatorId(number): OperatorPrivateKey.generate() for number in COMMITTEE}
    network = network_from_now()
    crowd = Crowd(network, keys, COMMITTEE, COMMITTEES)
    state = registry_state(crowd.keys, crowd.committees)
    with tempfile.TemporaryDirectory() as folder:
        async with world_of(Path(folder), network, keys, [1], state) as world, go_process() as go:
            yield Scene(network, crowd, state, world.operators[0], go)
