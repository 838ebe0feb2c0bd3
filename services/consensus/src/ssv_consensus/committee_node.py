"""An operator's seat in one committee at work: takes messages in, runs each slot's duty, remembers how it went.

A duty's task begins with its slot and collects messages; the duty itself begins a third into the slot, or a moment
after the slot's head is known. The task ends two slots later. Messages of slots that have no task yet are kept for it.

Not guaranteed: that a node which stops and starts again remembers anything; whoever starts it replays the messages of
the slots that still run and calls `resume`, and the signer answers steps on record with the recorded message.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from ssv_consensus.duty_record import DutyRecord, record_of, record_without_task
from ssv_consensus.duty_task import DutyTask
from ssv_consensus.ports import Clearance, DutySource, Ports, all_cleared
from ssv_consensus.seen import SeenMessages
from ssv_ethereum.slot_clock import SlotClock
from ssv_protocol.effects import Received
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.runners.admission import admit, duty_slot
from ssv_protocol.runners.committee import CommitteeRunner, CommitteeSeat
from ssv_protocol.types.ids import Instant, MessageId, OperatorId, Slot
from ssv_protocol.types.message_id import committee_message_id
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.roles import RunnerRole

DUTY_START_SLOT_SHARE = 1 / 3
HEAD_PROPAGATION_SLOT_SHARE = 1 / 40
"""How long after a head the duty begins: 300 ms of a slot of 12 s."""
DUTY_SLOTS = 2
"""A duty ends with the start of the second slot after its own."""
EARLY_SLOTS = 1
"""How far ahead of the clock a message may be: other clocks go before."""
EARLY_LIMIT = 1000


class CommitteeNode:
    """Runs the duties of one committee for one of its operators, slot by slot.

    `seat` may be replaced at any time; a running duty keeps the one that it began with. `span` is entered around each
    duty that begins, for traces.
    """

    def __init__(
        self,
        seat: CommitteeSeat,
        ports: Ports,
        duties: DutySource,
        clock: SlotClock,
        on_record: Callable[[OperatorId, DutyRecord], None],
        *,
        clearance: Clearance = all_cleared,
        span: Callable[[Slot], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self.seat = seat
        self.operator_id = seat.member.operator_id
        self.dropped: Counter[Reason] = Counter()
        self.tasks: dict[Slot, DutyTask] = {}
        self._ports = ports
        self._duties = duties
        self._clock = clock
        self._on_record = on_record
        self._clearance = clearance
        self._span = span
        self._heads: dict[Slot, asyncio.Event] = {}
        self._early: deque[tuple[Slot, Received, Instant | None]] = deque(maxlen=EARLY_LIMIT)
        self._seen = SeenMessages()
        self._serving: dict[Slot, asyncio.Task[None]] = {}
        self._draining = asyncio.Event()

    def deliver(self, encoded: bytes, came_at: Instant | None = None) -> None:
        """Take a message from the network: once, and only if it passes admission and is of a duty of this node.

        `came_at` is when the gateway had it.
        """
        if not self._seen.is_new(encoded):
            return
        try:
            signed = SignedSSVMessage.decode(encoded)
            content = admit(self.seat.member, signed)
        except ProtocolError as error:
            self.dropped[error.reason] += 1
            return
        slot = duty_slot(content)
        if signed.ssv_message.msg_id != self._message_id(slot):  # partial signatures name their duty nowhere else
            self.dropped[Reason.MESSAGE_IDENTIFIER] += 1
        elif slot in self.tasks:
            self.tasks[slot].deliver(Received(signed, content), came_at)
        elif self._oldest_open_slot() <= slot <= self._clock.slot() + EARLY_SLOTS:
            self._early.append((slot, Received(signed, content), came_at))
        else:
            self.dropped[Reason.NO_RUNNER_FOR_SLOT] += 1

    def head_seen(self, slot: Slot) -> None:
        """Note that the block of a slot has become the head; its duty need not wait for the third."""
        if slot in self._heads:
            self._heads[slot].set()

    def resume(self) -> None:
        """Serve the slots whose duties still run, besides those that `run` will serve."""
        for slot in range(self._oldest_open_slot(), self._clock.slot() + 1):
            self._start(Slot(slot))

    async def run(self) -> None:
        """Serve every slot from the next one on, until cancelled or drained."""
        ticking = asyncio.create_task(self._tick())
        draining = asyncio.create_task(self._drained())
        try:
            await asyncio.wait({ticking, draining}, return_when=asyncio.FIRST_COMPLETED)
            ticking.cancel()
            for slot, task in self._serving.items():
                if slot not in self.tasks:
                    task.cancel()
            if self._serving:
                await asyncio.wait(self._serving.values())
        finally:
            everything = [ticking, draining, *self._serving.values()]
            for task in everything:
                task.cancel()
            await asyncio.gather(*everything, return_exceptions=True)

    def drain(self) -> None:
        """Take no new duty; `run` returns when those that have begun are over."""
        self._draining.set()

    async def _drained(self) -> None:
        await self._draining.wait()

    async def _tick(self) -> None:
        async for slot in self._clock.ticks():
            self._start(slot)

    def _start(self, slot: Slot) -> None:
        if slot not in self._serving and not self._draining.is_set():
            task = asyncio.create_task(self._serve(slot))
            self._serving[slot] = task
            task.add_done_callback(lambda _: self._serving.pop(slot))

    async def _serve(self, slot: Slot) -> None:
        head = self._heads[slot] = asyncio.Event()
        try:
            due = await self._duties.committee_duty(slot)
            if due is None:
                return
            cleared = await self._clearance(due)
            try:
                machine = CommitteeRunner(self.seat, cleared.duty)
            except ProtocolError as error:
                self.dropped[error.reason] += 1
                self._on_record(self.operator_id, record_without_task(due, cleared.barred))
                return
            with self._span(slot):
                task = await self._run_task(machine, head)
            self._on_record(self.operator_id, record_of(due, cleared.barred, task))
        finally:
            del self._heads[slot]

    async def _run_task(self, machine: CommitteeRunner, head: asyncio.Event) -> DutyTask:
        slot = machine.duty.slot
        end = self._clock.chain.slot_start(Slot(slot + DUTY_SLOTS))
        task = DutyTask(machine, self._ports, end)
        self.tasks[slot] = task
        for message, came_at in self._take_early(slot):
            task.deliver(message, came_at)
        running = asyncio.create_task(task.run())
        try:
            await self._wait_to_begin(slot, head)
            task.begin()
            await self._clock.wait_until(end)
        finally:
            running.cancel()
            del self.tasks[slot]
            self.dropped.update(task.dropped)
            (ending,) = await asyncio.gather(running, return_exceptions=True)
        if isinstance(ending, Exception):
            raise ending  # what ended the task early
        return task

    async def _wait_to_begin(self, slot: Slot, head: asyncio.Event) -> None:
        slot_duration_s = self._clock.chain.slot_duration_s
        third = asyncio.create_task(self._clock.wait_for_slot(slot, slot_duration_s * DUTY_START_SLOT_SHARE))
        known = asyncio.create_task(head.wait())
        try:
            await asyncio.wait({third, known}, return_when=asyncio.FIRST_COMPLETED)
            if not third.done():
                delay = asyncio.create_task(asyncio.sleep(slot_duration_s * HEAD_PROPAGATION_SLOT_SHARE))
                await asyncio.wait({third, delay}, return_when=asyncio.FIRST_COMPLETED)
                delay.cancel()
        finally:
            third.cancel()
            known.cancel()

    def _take_early(self, slot: Slot) -> list[tuple[Received, Instant | None]]:
        taken = [(message, came_at) for its_slot, message, came_at in self._early if its_slot == slot]
        oldest = self._oldest_open_slot()
        kept = [item for item in self._early if item[0] != slot and item[0] >= oldest]
        self._early = deque(kept, EARLY_LIMIT)
        return taken

    def _message_id(self, slot: Slot) -> MessageId:
        network, member = self.seat.network, self.seat.member
        return committee_message_id(network.domain_at(slot), RunnerRole.COMMITTEE, member.committee_id)

    def _oldest_open_slot(self) -> Slot:
        return Slot(max(0, self._clock.slot() - DUTY_SLOTS + 1))
