"""Attestation data of all nodes, weighed, once for all committees that want it.

Committees of a slot ask at about the same time; who comes while the nodes are being asked is given the same answer.
Heads are looked up only where nodes differ.
"""

from __future__ import annotations

import asyncio
from functools import partial

from ssv_ethereum.pool.attestation_data import Opinion, best
from ssv_ethereum.pool.heads import Heads
from ssv_ethereum.pool.pool import BeaconPool
from ssv_protocol.types.beacon.attestation import AttestationData
from ssv_protocol.types.ids import Slot


class Votes:
    """Asks the nodes of `pool`."""

    def __init__(self, pool: BeaconPool) -> None:
        self._pool = pool
        self._heads = Heads(pool)
        self._asked: dict[Slot, asyncio.Task[AttestationData]] = {}

    async def data(self, slot: Slot) -> AttestationData:
        """Return what to attest to in `slot`. Raises BeaconError when no node can say."""
        task = self._asked.get(slot)
        if task is None:
            task = self._asked[slot] = asyncio.create_task(self._weigh(slot))
            task.add_done_callback(partial(self._answered, slot))
        return await asyncio.shield(task)

    def _answered(self, slot: Slot, task: asyncio.Task[AttestationData]) -> None:
        del self._asked[slot]
        if not task.cancelled():
            task.exception()  # those who asked have it; there may be none left

    async def _weigh(self, slot: Slot) -> AttestationData:
        answers = await self._pool.answers(lambda node: node.attestations.data(slot))
        if len({data.hash_tree_root() for _, data in answers}) == 1:
            return answers[0][1]
        heads = await asyncio.gather(*(self._heads.slot_of(node, data.beacon_block_root) for node, data in answers))
        return best([Opinion(data, head) for (_, data), head in zip(answers, heads, strict=True)])
