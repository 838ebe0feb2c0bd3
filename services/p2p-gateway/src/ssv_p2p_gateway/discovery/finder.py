"""Discovery at work: our record follows what we listen to, nodes that share it are found and handed over for dialling.

Looked for are nodes of our network with a subnet of ours, as long as there is a place or a subnet is short of peers.

Not guaranteed: that a node which was found is there, or listens to what it says; the handshake and gossip tell.

Source: ssvlabs/ssv network/discovery, network/p2p/p2p_discovery.go.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from structlog.typing import FilteringBoundLogger

from ssv_discv5 import LEGACY, SSV, Discovery, DiscoverySettings, Endpoint, PrivateKey, Record, endpoint_pairs, to_text
from ssv_p2p_gateway.discovery.candidates import Candidates
from ssv_p2p_gateway.discovery.metrics import DiscoveryMetrics
from ssv_p2p_gateway.discovery.records import Found, found, may_reach, own_pairs
from ssv_p2p_gateway.handshake.rules import domains_around, subnets_of
from ssv_p2p_gateway.node import Node
from ssv_protocol.forks import Network
from ssv_protocol.types.ids import Instant, Slot
from ssv_runtime.files import write_atomically

LOOK_S = 0.5
SELECT_S = 15.0
URGENT_S = 1.0
"""Between choices while a subnet of ours has fewer than `FEW_ON_SUBNET` peers."""
FEW_ON_SUBNET, ENOUGH_ON_SUBNET = 3, 8
LONGEST_LOOKUP_PAUSE_S = 10.0
TOPICS_WAIT_S = 5.0
"""For the registry: who is told a whole record at once need not ask for the next one."""
DIALS_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class FinderSettings:
    """Where to listen and what to announce; the ports of the sockets where None."""

    host: str
    port: int
    bootnodes: tuple[Record, ...] = ()
    announce_ip: str | None = None
    announce_tcp_port: int | None = None
    announce_udp_port: int | None = None
    legacy: bool = True
    record_file: Path | None = None


class Finder:
    """Finds peers for one node after another. `node` and `topics` tell what is now."""

    def __init__(
        self,
        settings: FinderSettings,
        network: Network,
        secret: bytes,
        node: Callable[[], Node | None],
        topics: Callable[[], Collection[str]],
        metrics: DiscoveryMetrics,
        log: FilteringBoundLogger,
    ) -> None:
        self.candidates = Candidates()
        self._settings = settings
        self._network = network
        self._key = PrivateKey(secret)
        self._node = node
        self._topics = topics
        self._metrics = metrics
        self._log = log
        self._discovery: Discovery | None = None
        self._written: Record | None = None

    @property
    def record(self) -> str:
        """Our record as text, empty while discovery does not run."""
        return "" if self._discovery is None else to_text(self._discovery.enr)

    @property
    def table_sizes(self) -> dict[str, int]:
        """How many nodes are known under each protocol id."""
        overlays = {} if self._discovery is None else self._discovery.overlays
        return {protocol_id.decode(): len(overlay.table) for protocol_id, overlay in overlays.items()}

    async def run(self) -> None:
        """Find peers until cancelled. Raises OSError when the socket cannot be bound."""
        settings = self._settings
        pairs = await self._first_pairs()
        discovery = Discovery(
            self._key,
            int(time.time() * 1000),  # more than in any life before
            pairs,
            DiscoverySettings(
                protocol_ids=(SSV, LEGACY) if settings.legacy else (SSV,),
                bootnodes=settings.bootnodes,
                fixed_endpoint=settings.announce_ip is not None or ip_address(settings.host).is_loopback,
                find_max_pause_s=LONGEST_LOOKUP_PAUSE_S,
            ),
        )
        bound = await discovery.start(settings.host, settings.port)
        if settings.announce_ip is not None or bound.ip.is_loopback:
            ip = bound.ip if settings.announce_ip is None else ip_address(settings.announce_ip)
            discovery.update(endpoint_pairs(Endpoint(ip, settings.announce_udp_port or bound.port)))
        self._log.info("discovery", listens=str(bound), bootnodes=len(settings.bootnodes))
        self._discovery = discovery
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._tell(discovery))
                tasks.create_task(self._look(discovery))
                tasks.create_task(self._dial())
        finally:
            self._discovery = None
            await discovery.close()

    async def _first_pairs(self) -> Mapping[bytes, bytes]:
        begun = time.monotonic()
        while True:
            pairs = self._pairs()
            if pairs is not None and (self._topics() or time.monotonic() > begun + TOPICS_WAIT_S):
                return pairs
            await asyncio.sleep(LOOK_S)

    def _pairs(self) -> Mapping[bytes, bytes] | None:
        """Return what our record is to say, None while no node listens."""
        node = self._node()
        if node is None:
            return None
        port = self._settings.announce_tcp_port or node.tcp_port
        return own_pairs(self._network, self._slot(), subnets_of(self._topics()), port)

    async def _tell(self, discovery: Discovery) -> None:
        """Keep our record as we are."""
        while True:
            if (pairs := self._pairs()) is not None:
                discovery.update(pairs)
            if discovery.enr is not self._written:
                self._written = discovery.enr
                self._log.info("own record", record=self.record)
                if self._settings.record_file is not None:
                    write_atomically(self._settings.record_file, f"{self.record}\n".encode())
            self._metrics.follow(discovery.counts, self.table_sizes, len(self.candidates))
            await asyncio.sleep(LOOK_S)

    async def _look(self, discovery: Discovery) -> None:
        """Look for nodes while some are wanted."""
        async with aclosing(discovery.find(self._is_wanted)) as records:
            while True:
                while not self._is_short():  # noqa: ASYNC110 (peers come and go without a word to us)
                    await asyncio.sleep(LOOK_S)
                record = await anext(records)
                if (node := found(record)) is not None:
                    self.candidates.add(node, time.monotonic())

    async def _dial(self) -> None:
        """Dial the best of them every now and then."""
        chosen_at = -SELECT_S
        while True:
            await asyncio.sleep(LOOK_S)
            node, now = self._node(), time.monotonic()
            pause_s = URGENT_S if self._has_few() else SELECT_S
            if node is None or now < chosen_at + pause_s or not len(self.candidates):
                continue
            chosen_at = now
            places = min(DIALS_AT_ONCE, node.free_places)
            chosen = self.candidates.choose(
                subnets_of(self._topics()), self._peers_by_subnet(), places, now, self._may_dial
            )
            outcomes = await node.dial([each.info for each in chosen])
            for peer_id, failure in outcomes.items():
                self._metrics.dialled(failed=failure is not None)
                self._log.debug("dialled a node that was found", peer=str(peer_id), error=failure)

    def _is_wanted(self, record: Record) -> bool:
        node = found(record)
        return (
            node is not None
            and node.domain in domains_around(self._network, self._slot())
            and not node.subnets.isdisjoint(subnets_of(self._topics()))
            and self._may_dial(node)
        )

    def _may_dial(self, found: Found) -> bool:
        running, discovery = self._node(), self._discovery
        if running is None or discovery is None or not running.may_dial(found.peer_id):
            return False
        return may_reach(discovery.enr.ip or ip_address(self._settings.host), found.ip)

    def _peers_by_subnet(self) -> Counter[int]:
        """Return how many peers listen to each of our subnets, under whichever name it has more."""
        counts: Counter[int] = Counter()
        node = self._node()
        for topic in self._topics():
            (subnet,) = subnets_of([topic])
            counts[subnet] = max(counts[subnet], 0 if node is None else node.subscribers(topic))
        return counts

    def _is_short(self) -> bool:
        node = self._node()
        counts = self._peers_by_subnet().values()
        return node is not None and node.free_places > 0 and any(count < ENOUGH_ON_SUBNET for count in counts)

    def _has_few(self) -> bool:
        return any(count < FEW_ON_SUBNET for count in self._peers_by_subnet().values())

    def _slot(self) -> Slot:
        return self._network.chain.slot_at(Instant(time.time()))
