"""One committee that this worker holds: its node, its messages, from taking it up to letting it go."""

from __future__ import annotations

import asyncio

from ssv_consensus.committee_inbox import CommitteeInbox
from ssv_consensus.committee_journal import CommitteeJournal
from ssv_consensus.committee_node import CommitteeNode
from ssv_consensus.duty_times import DUTY_SLOTS
from ssv_consensus.instruments import Instruments
from ssv_protocol.types.ids import CommitteeId
from ssv_runtime.bus import BusError

REPLAY_RETRY_S = 0.5


class Holding:
    """Runs a committee: subscribes, claims it, catches up on the slots that still run, then serves slot after slot.

    Nothing waits for the signer here; a duty that needs it does.
    """

    def __init__(
        self,
        committee: CommitteeId,
        node: CommitteeNode,
        inbox: CommitteeInbox,
        journal: CommitteeJournal,
        slot_duration_s: float,
        instruments: Instruments,
    ) -> None:
        self.committee = committee
        self.node = node
        self._inbox = inbox
        self._journal = journal
        self._open_s = DUTY_SLOTS * slot_duration_s
        self._instruments = instruments

    async def run(self) -> None:
        """Serve until the node is drained, or cancelled."""
        async with self._inbox.subscribed():
            beside = [asyncio.create_task(self._take_over())]
            if not await self._caught_up():
                beside.append(asyncio.create_task(self.catch_up()))
            try:
                self.node.resume()
                await self.node.run()
            finally:
                for task in beside:
                    task.cancel()
                await asyncio.gather(*beside, return_exceptions=True)
                await self._journal.let_go()

    async def catch_up(self) -> None:
        """Ask the gateways for what they kept until one answers, as long as any of it can matter."""
        count = await self._inbox.replay_until(self._open_s, REPLAY_RETRY_S)
        self._instruments.replayed(self.committee, count)

    async def _take_over(self) -> None:
        self._instruments.went_on(self.committee, await self._journal.take_over())

    async def _caught_up(self) -> bool:
        try:
            self._instruments.replayed(self.committee, await self._inbox.replay())
        except BusError:
            return False
        return True
