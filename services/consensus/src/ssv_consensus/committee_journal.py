"""What was said for a committee before this worker held it, out of the signer's record.

It goes two ways: into the duties that still run, which then go on where the predecessor stopped, and to the peers, who
may not have got the last of it. Both take repetitions.

Source: architecture §5.2, §6.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import grpc.aio

from ssv_api.v1 import signer_pb2 as pb
from ssv_consensus.duty_times import DUTY_SLOTS
from ssv_consensus.lease_keeper import LeaseKeeper
from ssv_consensus.ports import Gossip
from ssv_ethereum.backoff import Backoff
from ssv_ethereum.slot_clock import SlotClock
from ssv_protocol.errors import ProtocolError
from ssv_protocol.runners.admission import duty_slot, open_content
from ssv_protocol.signing.leases import Lease
from ssv_protocol.types.ids import CommitteeId, Instant, Slot
from ssv_protocol.types.messages import SignedSSVMessage

if TYPE_CHECKING:
    from ssv_api.v1.signer_pb2_grpc import SignerAsyncStub

Deliver = Callable[[bytes, Instant | None], None]
CALL_S = 5.0


class CommitteeJournal:
    """Reads one committee's journal once it is held. `deliver` takes messages as the network's."""

    def __init__(
        self,
        committee: CommitteeId,
        stub: SignerAsyncStub,
        keeper: LeaseKeeper,
        gossip: Gossip,
        clock: SlotClock,
        deliver: Deliver,
    ) -> None:
        self._committee = committee
        self._stub = stub
        self._keeper = keeper
        self._gossip = gossip
        self._clock = clock
        self._deliver = deliver

    async def take_over(self) -> int:
        """Claim the committee, and go on from what is on record; return how many messages were.

        Tries until it succeeds; what is too old by then does not matter.
        """
        slot_s = self._clock.chain.slot_duration_s
        lease = await self._keeper.want(self._committee)
        while not isinstance(lease, Lease):
            await asyncio.sleep(slot_s)  # the signer has no share of it yet
            lease = await self._keeper.ready(self._committee)
        since = Slot(max(0, self._clock.slot() + 1 - DUTY_SLOTS))
        backoff = Backoff()
        while True:
            try:
                return await self._read(since)
            except grpc.aio.AioRpcError:  # told by the sign stream too
                await backoff.pause()

    async def let_go(self) -> None:
        """Give the committee back."""
        await self._keeper.let_go(self._committee)

    async def _read(self, since: Slot) -> int:
        request = pb.JournalRequest(committee_ids=[self._committee], since_slot=since)
        messages = [entry.message async for entry in self._stub.Journal(request, timeout=CALL_S)]
        async with asyncio.TaskGroup() as publishing:
            for message in messages:
                self._deliver(message, None)
                publishing.create_task(self._publish(message))
        return len(messages)

    async def _publish(self, encoded: bytes) -> None:
        try:
            signed = SignedSSVMessage.decode(encoded)
            slot = duty_slot(open_content(signed))
        except ProtocolError:
            return
        deadline = self._clock.chain.slot_start(Slot(slot + DUTY_SLOTS))
        await self._gossip.publish(signed, slot, deadline)
