"""One real beacon node as `ports.BeaconApi`, on the client of `ssv_ethereum`: answers on one side, submissions on the
other."""

from __future__ import annotations

from ssv_consensus.beacon_answers import BeaconAnswers
from ssv_consensus.beacon_submissions import BeaconSubmissions
from ssv_consensus.ports import Handed
from ssv_ethereum.beacon.node import BeaconNode
from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.effects import Event, Fetch, Submit
from ssv_protocol.types.ids import Slot


class BeaconNodePort:
    """The beacon node `node` of `chain`, for all committees of a worker.

    `builder_boost_percent` weighs a builder's bid against the node's own payload; None leaves that to the node.
    """

    def __init__(self, node: BeaconNode, chain: BeaconChain, *, builder_boost_percent: int | None = None) -> None:
        self._answers = BeaconAnswers(node, chain, builder_boost_percent=builder_boost_percent)
        self._submissions = BeaconSubmissions(node, chain)

    async def answer(self, question: Fetch) -> Event:
        """Return the answer to a question, asked now; raises SsvError when the node cannot say."""
        return await self._answers.answer(question)

    async def submit(self, slot: Slot, work: Submit) -> frozenset[Handed]:
        """Hand over everything in `work`; return what the node did not take."""
        return await self._submissions.submit(slot, work)
