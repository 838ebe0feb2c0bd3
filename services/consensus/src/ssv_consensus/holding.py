"""One committee that this worker holds: its node, its messages, from taking it up to letting it go."""

from __future__ import annotations

import asyncio

from ssv_consensus.committee_inbox import CommitteeInbox
from ssv_consensus.committee_node import CommitteeNode
from ssv_consensus.duty_times import DUTY_SLOTS
from ssv_consensus.instruments import Instruments
from ssv_protocol.types.ids import CommitteeId
from ssv_runtime.bus import BusError

REPLAY_RETRY_S = 0.5


class Holding:
    """Runs a committee: subscribes, catches up on the slots that still run, then serves slot after slot."""

    def __init__(
        self,
        committee: CommitteeId,
        node: CommitteeNode,
        inbox: CommitteeInbox,
        slot_duration_s: float,
        instruments: Instruments,
    ) -> None:
        self.committee = committee
        self.node = node
        self._inbox = inbox
        self._open_s = DUTY_SLOTS * slot_duration_s
        self._instruments = instruments

    async def run(self) -> None:
        """Serve until the node is drained, or cancelled."""
        async with self._inbox.subscribed():
            later = None if await self._caught_up() else asyncio.create_task(self.catch_up())
            try:
                self.node.resume()
                await self.node.run()
            finally:
                if later is not None:
                    later.cancel()
                    await asyncio.gather(later, return_exceptions=True)

    async def catch_up(self) -> None:
        """Ask the gateways for what they kept until one answers, as long as any of it can matter."""
        count = await self._inbox.replay_until(self._open_s, REPLAY_RETRY_S)
        self._instruments.replayed(self.committee, count)

    async def _caught_up(self) -> bool:
        try:
            self._instruments.replayed(self.committee, await self._inbox.replay())
        except BusError:
            return False
        return True
