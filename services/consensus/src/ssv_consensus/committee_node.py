"""An operator's seat in one committee at work: takes messages in, runs what each slot brings, remembers how it went.

Each duty has one task, by the id of its messages and its slot; `duty_times` says when it begins and ends. What becomes
known in mid-slot begins as long as its time is open, and nothing begins twice. Messages of duties that have no task yet
are kept for them.

Not guaranteed: that a node which stops and starts again remembers anything; whoever starts it replays the messages of
the slots that still run and calls `resume`, and the signer answers steps on record with the recorded message.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext
from functools import partial

from ssv_consensus.duty_record import DutyRecord, record_of, record_without_task
from ssv_consensus.duty_task import Admit, DutyTask
from ssv_consensus.duty_times import (
    COMMITTEE_START_SLOT_SHARE,
    DUTY_SLOTS,
    FETCH_SLOT_SHARE,
    HEAD_PROPAGATION_SLOT_SHARE,
    end_of,
    open_slots,
)
from ssv_consensus.ports import Clearance, DutySource, Handed, Ports, all_cleared
from ssv_consensus.seen import SeenMessages
from ssv_consensus.waiting_room import DutyKey, WaitingRoom
from ssv_ethereum.slot_clock import SlotClock
from ssv_protocol.effects import Received
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.runners.admission import admit_any, duty_slot
from ssv_protocol.runners.runner import Duty, Runner
from ssv_protocol.runners.seats import CommitteeSeat
from ssv_protocol.runners.table import message_id_of, role_of, runner_of
from ssv_protocol.types.ids import Instant, MessageId, OperatorId, Slot
from ssv_protocol.types.message_id import message_role
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.roles import RunnerRole

EARLY_SLOTS = 1
"""How far ahead of the clock a message may be: other clocks go before."""


def _no_span(message_id: MessageId, slot: Slot) -> AbstractContextManager[object]:
    return nullcontext()


class CommitteeNode:
    """Runs the duties of one committee, and of its validators, for one of its operators.

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
        span: Callable[[MessageId, Slot], AbstractContextManager[object]] = _no_span,
    ) -> None:
        self.seat = seat
        self.operator_id = seat.member.operator_id
        self.dropped: Counter[Reason] = Counter()
        self.tasks: dict[DutyKey, DutyTask] = {}
        self._ports = ports
        self._duties = duties
        self._clock = clock
        self._on_record = on_record
        self._clearance = clearance
        self._span = span
        self._heads: dict[Slot, asyncio.Event] = {}
        self._waiting = WaitingRoom()
        self._seen = SeenMessages()
        self._begun: set[DutyKey] = set()
        self._lookups: dict[Slot, asyncio.Task[None]] = {}
        self._performing: dict[DutyKey, asyncio.Task[None]] = {}
        self._is_serving = False
        self._draining = asyncio.Event()

    @property
    def seat(self) -> CommitteeSeat:
        """Where the operator sits, with its shares."""
        return self._seat

    @seat.setter
    def seat(self, seat: CommitteeSeat) -> None:
        self._seat = seat
        self._admit = _admission(seat)

    def deliver(self, encoded: bytes, came_at: Instant | None = None) -> None:
        """Take a message from the network: once, and only if it passes admission and is of a duty of this node.

        `came_at` is when the gateway had it.
        """
        if not self._seen.is_new(encoded):
            return
        try:
            signed = SignedSSVMessage.decode(encoded)
            content = self._admit(signed)
        except ProtocolError as error:
            self.dropped[error.reason] += 1
            return
        key = signed.ssv_message.msg_id, duty_slot(content)
        if key in self.tasks:
            self.tasks[key].deliver(Received(signed, content), came_at)
        elif self._may_still_begin(key):
            self._waiting.put(key, Received(signed, content), came_at)
        else:
            self.dropped[Reason.NO_RUNNER_FOR_SLOT] += 1

    def head_seen(self, slot: Slot) -> None:
        """Note that the block of a slot has become the head; the committee's duty need not wait for the third."""
        if slot in self._heads:
            self._heads[slot].set()

    def resume(self) -> None:
        """Begin the duties whose time is open, besides those that `run` will begin."""
        self._is_serving = True
        for slot in range(self._oldest_slot(), self._clock.slot() + 1):
            self._look_up(Slot(slot))

    def duties_changed(self) -> None:
        """Begin what is new among the duties whose time is open."""
        if self._is_serving:
            self.resume()

    async def run(self) -> None:
        """Serve every slot from the next one on, until cancelled or drained."""
        self._is_serving = True
        ticking = asyncio.create_task(self._tick())
        draining = asyncio.create_task(self._drained())
        try:
            await asyncio.wait({ticking, draining}, return_when=asyncio.FIRST_COMPLETED)
            if ticking.done():
                await ticking
            ticking.cancel()
            self._is_serving = False
            waiting = [task for key, task in self._performing.items() if key not in self.tasks]
            for task in (*self._lookups.values(), *waiting):
                task.cancel()
            if self._performing:
                # an exit may be open for longer: its share signature has been sent, others are waited for
                await asyncio.wait(self._performing.values(), timeout=DUTY_SLOTS * self._clock.chain.slot_duration_s)
        finally:
            self._is_serving = False
            everything = [ticking, draining, *self._lookups.values(), *self._performing.values()]
            for task in everything:
                task.cancel()
            await asyncio.gather(*everything, return_exceptions=True)
            self._lookups.clear()  # those that were cancelled before they ran

    def drain(self) -> None:
        """Take no new duty; `run` returns when those that have begun are over, after two slots at most."""
        self._draining.set()

    async def _drained(self) -> None:
        await self._draining.wait()

    # what begins

    async def _tick(self) -> None:
        async for slot in self._clock.ticks():
            self._forget_what_is_over()
            self._look_up(slot)

    def _look_up(self, slot: Slot) -> None:
        if slot in self._lookups or self._draining.is_set():
            return
        self._heads.setdefault(slot, asyncio.Event())
        self._lookups[slot] = asyncio.create_task(self._begin_duties(slot))

    async def _begin_duties(self, slot: Slot) -> None:
        try:
            duties = await self._duties.duties(slot)
        finally:
            self._lookups.pop(slot, None)  # now, not when the task is done: what changes in between is looked up again
        for duty in duties:
            network = self._seat.network
            key = message_id_of(network, self._seat.member.committee_id, duty), slot
            if self._draining.is_set() or key in self._begun or not self._is_open(role_of(network, duty), slot):
                continue
            self._begun.add(key)
            task = self._performing[key] = asyncio.create_task(self._perform(key, duty))
            task.add_done_callback(partial(self._let_go, key))

    def _let_go(self, key: DutyKey, performed: asyncio.Task[None]) -> None:
        del self._performing[key]

    async def _perform(self, key: DutyKey, duty: Duty) -> None:
        try:
            with self._span(*key):
                record = await self._performed(key, duty)
        except Exception as fault:
            self._ports.on_fault(*key, fault)
        else:
            self._on_record(self.operator_id, record)

    async def _performed(self, key: DutyKey, duty: Duty) -> DutyRecord:
        seat, admit = self._seat, self._admit
        cleared = await self._clearance(duty)
        if cleared.duty is None:
            return record_without_task(key[0], duty, cleared.barred)
        try:
            machine = runner_of(seat, cleared.duty)
        except ProtocolError as error:
            self.dropped[error.reason] += 1
            return record_without_task(key[0], duty, cleared.barred)
        task = await self._run_task(key, machine, admit, cleared.barred)
        return record_of(duty, cleared.barred, task, seat.member.operator_ids)

    async def _run_task(self, key: DutyKey, machine: Runner, admit: Admit, withheld: Collection[Handed]) -> DutyTask:
        chain, slot, role = self._clock.chain, key[1], RunnerRole(message_role(key[0]))
        end = end_of(role, slot, chain)
        task = self.tasks[key] = DutyTask(
            machine,
            self._ports,
            end,
            operator_id=self.operator_id,
            admit=admit,
            patience_s=FETCH_SLOT_SHARE * chain.slot_duration_s,
            withheld=withheld,
        )
        for message, came_at in self._waiting.take(key):
            task.deliver(message, came_at)
        running = asyncio.create_task(task.run())
        try:
            if role is RunnerRole.COMMITTEE:
                await self._wait_to_begin(slot)
            task.begin()
            await self._wait_until_over(task, end)
        finally:
            running.cancel()
            del self.tasks[key]
            self.dropped.update(task.dropped)
            (ending,) = await asyncio.gather(running, return_exceptions=True)
        if isinstance(ending, Exception):
            raise ending  # what ended the task early
        return task

    async def _wait_to_begin(self, slot: Slot) -> None:
        slot_duration_s = self._clock.chain.slot_duration_s
        third = asyncio.create_task(self._clock.wait_for_slot(slot, slot_duration_s * COMMITTEE_START_SLOT_SHARE))
        known = asyncio.create_task(self._heads.setdefault(slot, asyncio.Event()).wait())
        try:
            await asyncio.wait({third, known}, return_when=asyncio.FIRST_COMPLETED)
            if not third.done():
                delay = asyncio.create_task(asyncio.sleep(slot_duration_s * HEAD_PROPAGATION_SLOT_SHARE))
                await asyncio.wait({third, delay}, return_when=asyncio.FIRST_COMPLETED)
                delay.cancel()
        finally:
            third.cancel()
            known.cancel()

    async def _wait_until_over(self, task: DutyTask, end: Instant) -> None:
        if task.machine.consensus is not None:  # who lags behind may need this operator until the end
            await self._clock.wait_until(end)
            return
        over = asyncio.create_task(task.over.wait())
        ended = asyncio.create_task(self._clock.wait_until(end))
        try:
            await asyncio.wait({over, ended}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            over.cancel()
            ended.cancel()

    # what is open

    def _may_still_begin(self, key: DutyKey) -> bool:
        message_id, slot = key
        if key in self._begun and key not in self._performing:
            return False
        return slot <= self._clock.slot() + EARLY_SLOTS and self._is_open(RunnerRole(message_role(message_id)), slot)

    def _is_open(self, role: RunnerRole, slot: Slot) -> bool:
        return self._clock.now() < end_of(role, slot, self._clock.chain)

    def _oldest_slot(self) -> Slot:
        """Return the first slot of which something may still be open."""
        longest = max(open_slots(role, self._clock.chain) for role in RunnerRole)
        return Slot(max(0, self._clock.slot() + 1 - longest))

    def _forget_what_is_over(self) -> None:
        oldest = self._oldest_slot()
        self._begun = {key for key in self._begun if key[1] >= oldest}
        self._heads = {slot: head for slot, head in self._heads.items() if slot >= oldest}
        self._waiting.forget(lambda key: not self._is_open(RunnerRole(message_role(key[0])), key[1]))


def _admission(seat: CommitteeSeat) -> Admit:
    validators = seat.validators
    return lambda signed: admit_any(seat.network, seat.member, validators, signed)
