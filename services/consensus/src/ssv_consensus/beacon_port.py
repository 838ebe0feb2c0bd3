"""The real beacon nodes as `ports.BeaconApi`, on the pool of `ssv_ethereum`: answers on one side, submissions on the
other."""

from __future__ import annotations

from ssv_consensus.beacon_answers import BeaconAnswers
from ssv_consensus.beacon_submissions import BeaconSubmissions
from ssv_consensus.ports import Handed
from ssv_ethereum.pool.pool import BeaconPool
from ssv_protocol.effects import Event, Fetch, Submit
from ssv_protocol.types.ids import Slot


class BeaconPort:
    """The beacon nodes of `pool`, for all committees of a worker.

    `builder_boost_percent` weighs a builder's bid against the node's own payload; None leaves that to the node.
    """

    def __init__(self, pool: BeaconPool, *, builder_boost_percent: int | None = None) -> None:
        self._answers = BeaconAnswers(pool, builder_boost_percent=builder_boost_percent)
        self._submissions = BeaconSubmissions(pool)

    async def answer(self, question: Fetch) -> Event:
        """Return the answer to a question, asked now; raises SsvError when no node can say."""
        return await self._answers.answer(question)

    async def submit(self, slot: Slot, work: Submit) -> frozenset[Handed]:
        """Hand over everything in `work`; return what no node took."""
        return await self._submissions.submit(slot, work)
