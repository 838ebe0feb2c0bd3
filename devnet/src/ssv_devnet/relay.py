"""What peers are to each other, for beacon nodes without a network: each gets what the others have, by REST.

Blocks: whenever a node says that it has imported one, the others are given it with whatever ancestors they lack. That
is also how a node catches up that begins again from genesis, or was kept apart. Votes, aggregates, contributions and
exits: whatever is posted to a node through its `Entrance` and not refused is posted to the others.

Not guaranteed: that a message which was under way is not lost when a node dies, or comes to the others in order.

Source: beacon-APIs, `getBlockV2`, `publishBlockV2`, `eventstream`; SSZ for the layout of a signed block.
"""

from __future__ import annotations

import asyncio
import logging
import math
import struct
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256

from ssv_devnet.proxy import Call, Cut, Reply, Server
from ssv_ethereum.backoff import Backoff
from ssv_ethereum.beacon.answers import to_hex
from ssv_ethereum.beacon.errors import BeaconError, BeaconRefused, BeaconUnreachable
from ssv_ethereum.beacon.events import BlockEvent, StreamOpened, Topic
from ssv_ethereum.beacon.http import JSON, SSZ
from ssv_ethereum.beacon.node import BeaconNode
from ssv_protocol.types.ids import Root

_log = logging.getLogger(__name__)
BLOCK_PATHS = frozenset({"/eth/v1/beacon/blocks", "/eth/v2/beacon/blocks", "/eth/v2/beacon/blinded_blocks"})
"""Where blocks are posted to; they are copied when the node has imported them."""
_PASSED_ON = frozenset({
    "/eth/v2/beacon/pool/attestations",
    "/eth/v1/beacon/pool/sync_committees",
    "/eth/v2/validator/aggregate_and_proofs",
    "/eth/v1/validator/contribution_and_proofs",
    "/eth/v1/beacon/pool/voluntary_exits",
    "/eth/v1/validator/prepare_beacon_proposer",  # nobody's message to peers; whoever moves to another node needs it
})  # fmt: skip
_VERSION_HEADER = "Eth-Consensus-Version"
_REMEMBERED = 4096
_SILENCE_S, _LOOK_S = 60.0, 0.2
_HTTP_ERROR, _NOT_FOUND = 400, 404
_TAKEN = (200, 202, 400)
"""400 may be about a part of what was posted."""


@dataclass(eq=False, slots=True)
class Peer:
    """A node. `in_step_since` is None while it may lack blocks; `apart` while it is to get nothing and give nothing.

    That a node has begun anew shows in a connection that broke: its event stream says so only with its next event.
    """

    server: Server
    node: BeaconNode
    in_step_since: float | None = None
    apart: bool = False
    blocks: set[Root] = field(default_factory=set)
    """Some of the blocks that it has."""
    posted: dict[bytes, None] = field(default_factory=dict)
    copying: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def in_step(self) -> bool:
        """Whether it has its peers' chain."""
        return self.in_step_since is not None

    def is_new(self, call: Call) -> bool:
        """Note that the node is given this; tell whether it is for the first time."""
        digest = sha256(call.path.encode() + call.body).digest()
        if digest in self.posted:
            return False
        self.posted[digest] = None
        if len(self.posted) > _REMEMBERED:
            del self.posted[next(iter(self.posted))]
        return True

    def forget(self) -> None:
        """It may have begun anew: nothing is known of what it has."""
        self.blocks.clear()
        self.posted.clear()


class Relay:
    """The peers' network. Use `running_relay`."""

    def __init__(self, peers: Sequence[Peer]) -> None:
        self.peers = tuple(peers)
        self._passing: set[asyncio.Task[None]] = set()

    def part(self, place: int) -> None:
        """Keep a node apart: its peers tell it nothing any more, and it them."""
        self.peers[place].apart = True
        self.peers[place].in_step_since = None

    def rejoin(self, place: int) -> None:
        """End that: both sides get what they missed, and then the node is in step again."""
        self.peers[place].apart = False

    async def follow(self) -> None:
        """Copy blocks, for ever."""
        async with asyncio.TaskGroup() as followers:
            for peer in self.peers:
                followers.create_task(self._follow(peer))
                followers.create_task(self._keep_in_step(peer))

    async def enter(self, peer: Peer, call: Call) -> Reply:
        """Hand a call to a node, and to its peers what they would hear of it. Raises Cut."""
        passed_on = call.method == "POST" and call.path in _PASSED_ON
        if passed_on:
            peer.is_new(call)
        try:
            reply = await peer.server(call)
        except Cut:
            peer.in_step_since = None
            raise
        if passed_on and reply.status in _TAKEN:
            for other in self._others(peer):
                if other.is_new(call):
                    task = asyncio.create_task(_pass_on(other, call))
                    self._passing.add(task)
                    task.add_done_callback(self._passing.discard)
        return reply

    async def settled(self) -> None:
        """Wait until what was posted so far has been passed on."""
        await asyncio.gather(*self._passing)

    async def close(self) -> None:
        """Give up what is under way."""
        for task in self._passing:
            task.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)

    def _others(self, peer: Peer) -> list[Peer]:
        return [] if peer.apart else [other for other in self.peers if other is not peer and not other.apart]

    async def _follow(self, peer: Peer) -> None:
        backoff = Backoff(first_s=0.1, limit_s=0.5)
        async for event in peer.node.events.listen([Topic.BLOCK], silence_s=_SILENCE_S, backoff=backoff):
            if isinstance(event, StreamOpened):
                peer.in_step_since = None
            elif isinstance(event, BlockEvent):
                root = Root(bytes(event.block))
                peer.blocks.add(root)
                await asyncio.gather(*(_copy(peer, other, root) for other in self._others(peer)))

    async def _keep_in_step(self, peer: Peer) -> None:
        """Whenever a node may lack blocks, give it the others' chains, and them its own."""
        while True:
            if not peer.in_step and not peer.apart:
                peer.forget()
                others = self._others(peer)
                got = await asyncio.gather(*(_copy_head(other, peer) for other in others))
                gave = await asyncio.gather(*(_copy_head(peer, other) for other in others))
                if all(got) and all(gave) and not peer.apart:
                    peer.in_step_since = time.monotonic()
            await asyncio.sleep(_LOOK_S)


@dataclass(frozen=True, slots=True)
class Entrance:
    """A node as its users have it, its peers included: what is in front of a proxy."""

    relay: Relay
    peer: Peer

    @property
    def url(self) -> str:
        """The node's."""
        return self.peer.server.url

    async def __call__(self, call: Call) -> Reply:
        """See `Relay.enter`."""
        return await self.relay.enter(self.peer, call)


@dataclass(frozen=True, slots=True)
class AnyEntrance:
    """Whichever node is in step the longest: for users that are not to notice when one is gone.

    One that has just come back has none of the votes yet that its next block should hold.
    """

    relay: Relay

    @property
    def url(self) -> str:
        """That of the node that would be asked now."""
        return self._best()[0].server.url

    async def __call__(self, call: Call) -> Reply:
        """Ask one node, and the others when it is not there. Raises Cut when none is."""
        for peer in self._best():
            try:
                return await self.relay.enter(peer, call)
            except Cut:
                continue
        raise Cut

    def _best(self) -> list[Peer]:
        return sorted(self.relay.peers, key=lambda peer: peer.in_step_since or math.inf)


@asynccontextmanager
async def running_relay(urls: Sequence[str]) -> AsyncGenerator[Relay, None]:
    """Be the nodes' network inside the block. They may come and go."""
    async with AsyncExitStack() as stack:
        peers = [
            Peer(await stack.enter_async_context(Server(url)), await stack.enter_async_context(BeaconNode(url)))
            for url in urls
        ]
        relay = Relay(peers)
        following = asyncio.create_task(relay.follow())
        try:
            yield relay
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
            await relay.close()


async def _pass_on(peer: Peer, call: Call) -> None:
    try:
        reply = await peer.server(call)
    except Cut:
        return
    if reply.status not in _TAKEN:
        _log.info("%s did not take what its peer took: %s: %s", peer.server.url, call.path, reply.body[:200])


async def _copy_head(source: Peer, target: Peer) -> bool:
    """Give `target` the chain of `source`; returns whether it has it. A source that is not there has none."""
    try:
        head = await source.node.blocks.root("head")
    except BeaconUnreachable:
        return True
    except BeaconError:
        return False
    return head is None or await _copy(source, target, head)


async def _copy(source: Peer, target: Peer, root: Root) -> bool:
    """Give `target` a block of `source`, after the ancestors that it lacks; returns whether it has it."""
    if root in target.blocks:
        return True
    async with target.copying:
        try:
            lacking = await _lacking(source, target, root)
            for each, version, block in reversed(lacking):
                await _publish(target, version, block)
                target.blocks.add(each)
                source.blocks.add(each)
        except (BeaconError, Cut) as error:
            _log.debug("%s does not get %s of %s: %s", target.server.url, to_hex(root), source.server.url, error)
            target.in_step_since = None
            return False
    if len(lacking) > 1:
        _log.info("%s got %d blocks of %s", target.server.url, len(lacking), source.server.url)
    return True


async def _lacking(source: Peer, target: Peer, root: Root) -> list[tuple[Root, str, bytes]]:
    """Return the blocks from `root` down that `target` has not, with their fork's name; all but genesis has a body."""
    found: list[tuple[Root, str, bytes]] = []
    while not await _has(target, root):
        call = Call("GET", f"/eth/v2/beacon/blocks/{to_hex(root)}", {"Accept": SSZ}, b"")
        reply = await source.server(call)
        if reply.status == _NOT_FOUND:
            break
        _raise_for(source, call, reply)
        version = next((value for name, value in reply.headers.items() if name.lower() == _VERSION_HEADER.lower()), "")
        found.append((root, version, reply.body))
        root = parent_root_of(reply.body)
    return found


async def _has(peer: Peer, root: Root) -> bool:
    if root in peer.blocks:
        return True
    try:
        await peer.node.blocks.slot_of(root)
    except BeaconRefused:
        return False
    peer.blocks.add(root)
    return True


async def _publish(target: Peer, version: str, block: bytes) -> None:
    headers = {"Content-Type": SSZ, "Accept": JSON, _VERSION_HEADER: version}
    call = Call("POST", "/eth/v2/beacon/blocks?broadcast_validation=consensus", headers, contents_of(block))
    _raise_for(target, call, await target.server(call))


def _raise_for(peer: Peer, call: Call, reply: Reply) -> None:
    if reply.status >= _HTTP_ERROR:
        problem = reply.body[:200].decode(errors="replace")
        raise BeaconRefused(peer.node.endpoint, f"{call.method} {call.path}", reply.status, problem)


def parent_root_of(signed_block: bytes) -> Root:
    """Return the parent of an SSZ SignedBeaconBlock: an offset and a signature, then slot, proposer, parent."""
    (message,) = struct.unpack_from("<I", signed_block)
    return Root(signed_block[message + 16 : message + 48])


def contents_of(signed_block: bytes) -> bytes:
    """Return the SSZ of SignedBlockContents with that block and no blobs: three offsets, and then only the block."""
    head = struct.calcsize("<III")
    end = head + len(signed_block)
    return struct.pack("<III", head, end, end) + signed_block
