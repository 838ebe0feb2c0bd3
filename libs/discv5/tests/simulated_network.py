"""A network in memory for whole nodes: latency and loss by a seeded dice, time by the event loop."""

import asyncio
import random
from collections.abc import Callable

from libs.discv5.tests.world import private_key

from ssv_discv5.discovery import Discovery, DiscoverySettings
from ssv_discv5.endpoint import Endpoint
from ssv_discv5.enr.local import endpoint_pairs
from ssv_discv5.rlp import Item


class SimulatedNetwork:
    """Carries datagrams between nodes by endpoint."""

    def __init__(self, seed: int, loss: float = 0.0) -> None:
        self.dice = random.Random(seed)
        self.loss = loss
        self.carried = 0
        self.nodes: dict[Endpoint, Discovery] = {}

    def join(
        self,
        number: int,
        settings: DiscoverySettings,
        pairs: dict[bytes, Item] | None = None,
        in_record: bool = True,
    ) -> Discovery:
        """Run a node at an endpoint of its own."""
        endpoint = Endpoint.of(f"{30 + number}.1.2.3", 12001)
        node = Discovery(
            private_key(number),
            1,
            {**(pairs or {}), **(endpoint_pairs(endpoint) if in_record else {})},
            settings,
            random_bytes=random.Random(f"bytes {number}").randbytes,
            choices=random.Random(f"choices {number}"),
        )
        self.nodes[endpoint] = node
        node.run(self.sender(endpoint))
        return node

    def leave(self, node: Discovery) -> None:
        """Cut a node off."""
        self.nodes = {endpoint: each for endpoint, each in self.nodes.items() if each is not node}

    def sender(self, source: Endpoint) -> Callable[[Endpoint, bytes], None]:
        """Return how a node at `source` sends."""

        def send(to: Endpoint, datagram: bytes) -> None:
            self.carried += 1
            if self.dice.random() >= self.loss:
                asyncio.get_running_loop().call_later(self.dice.uniform(0.005, 0.08), arrive, to, datagram)

        def arrive(to: Endpoint, datagram: bytes) -> None:
            if to in self.nodes:
                self.nodes[to].received(datagram, source)

        return send

    async def close(self) -> None:
        """End all nodes."""
        for node in self.nodes.values():
            await node.close()
