"""Which head counts where nodes differ: the newest one that a node names which can be relied on.

A node that was cut off from its peers goes on answering, and quickly, on a head of some slots ago; what is built on
that or votes for it is lost. Slots of heads are looked up only where nodes differ.

Not guaranteed: that the newest block stays in the chain.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from ssv_ethereum.beacon.errors import BeaconAnswerInvalid, BeaconError
from ssv_ethereum.beacon.node import BeaconNode
from ssv_ethereum.pool.pool import HEDGE_SLOT_SHARE, BeaconPool
from ssv_protocol.types.ids import Root, Slot


@dataclass(frozen=True, slots=True)
class Head:
    """The head's root and a node that has it."""

    root: Root
    node: BeaconNode


class Heads:
    """Asks the nodes of `pool`."""

    def __init__(self, pool: BeaconPool) -> None:
        self._pool = pool
        self._moment_s = HEDGE_SLOT_SHARE * pool.chain.slot_duration_s

    async def newest(self) -> Head:
        """Return the newest head; of equally new ones that of the best node. Raises BeaconError."""
        heads = [Head(root, node) for node, root in await self._pool.answers(_head_of)]
        if len({head.root for head in heads}) == 1:
            return heads[0]
        slots = await asyncio.gather(*(self.slot_of(head.node, head.root) for head in heads))
        ages = {head: -1 if slot is None else slot for head, slot in zip(heads, slots, strict=True)}
        return max(heads, key=lambda head: ages[head])

    async def is_older(self, node: BeaconNode, root: Root, head: Head) -> bool:
        """Whether the block that `node` has with that root is known to be older than `head`."""
        if root == head.root:
            return False
        own, newest = await asyncio.gather(self.slot_of(node, root), self.slot_of(head.node, head.root))
        return own is not None and newest is not None and own < newest

    async def slot_of(self, node: BeaconNode, block_root: Root) -> Slot | None:
        """Return the slot of a block that `node` has, None when it can't say in a moment."""
        try:
            async with asyncio.timeout(self._moment_s):
                return await node.blocks.slot_of(block_root)
        except (BeaconError, TimeoutError):
            return None


async def _head_of(node: BeaconNode) -> Root:
    root = await node.blocks.root("head")
    if root is None:
        raise BeaconAnswerInvalid(node.endpoint, "root of the head", "the node has no head")
    return root
