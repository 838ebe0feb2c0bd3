"""An operator's seat in one committee at work: takes messages in, runs each slot's duty, remembers how it went.

A duty's task begins with its slot and collects messages; the duty itself begins a third into the slot, or a moment
after the slot's head is known. The task ends two slots later.

Not guaranteed: that an operator which stops and starts again remembers anything; that comes with the services.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256

from ssv_consensus.duty_task import DutyTask
from ssv_consensus.ports import DutySource, Ports
from ssv_consensus.stages import Stage
from ssv_ethereum.slot_clock import SlotClock
from ssv_protocol.effects import Received
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.runners.admission import admit, duty_slot
from ssv_protocol.runners.committee import CommitteeRunner, CommitteeSeat
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.types.duty import CommitteeDuty
from ssv_protocol.types.ids import OperatorId, Round, Slot, ValidatorIndex
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.roles import BeaconRole

DUTY_START_SLOT_SHARE = 1 / 3
HEAD_PROPAGATION_SLOT_SHARE = 1 / 40
"""How long after a head the duty begins: 300 ms of a slot of 12 s."""
LAST_SLOT_OF_DUTY = 2
EARLY_LIMIT = 1000
SEEN_LIMIT = 20_000


@dataclass(slots=True)
class DutyRecord:
    """How one operator saw one committee duty."""

    slot: Slot
    attesters: frozenset[ValidatorIndex]
    submitted: frozenset[ValidatorIndex]
    missed: dict[ValidatorIndex, MissedReason]
    participants: dict[ValidatorIndex, frozenset[OperatorId]]
    last_round: Round
    decided: bool
    stages_ms: dict[Stage, float] = field(default_factory=dict)


class CommitteeNode:
    """Runs the duties of one committee for one of its operators, slot by slot."""

    def __init__(
        self,
        seat: CommitteeSeat,
        ports: Ports,
        duties: DutySource,
        clock: SlotClock,
        on_record: Callable[[OperatorId, DutyRecord], None],
    ) -> None:
        self.operator_id = seat.member.operator_id
        self.dropped: Counter[Reason] = Counter()
        self.tasks: dict[Slot, DutyTask] = {}
        self._seat = seat
        self._ports = ports
        self._duties = duties
        self._clock = clock
        self._on_record = on_record
        self._heads: dict[Slot, asyncio.Event] = {}
        self._early: deque[tuple[Slot, Received]] = deque(maxlen=EARLY_LIMIT)
        self._seen: dict[bytes, None] = {}
        self._running: set[asyncio.Task[None]] = set()

    def deliver(self, encoded: bytes) -> None:
        """Take a message from the network: once, and only if it passes admission."""
        digest = sha256(encoded).digest()
        if digest in self._seen:
            return
        self._remember(digest)
        try:
            signed = SignedSSVMessage.decode(encoded)
            content = admit(self._seat.member, signed)
        except ProtocolError as error:
            self.dropped[error.reason] += 1
            return
        slot = duty_slot(content)
        if slot in self.tasks:
            self.tasks[slot].deliver(Received(signed, content))
        elif slot >= self._clock.slot():
            self._early.append((slot, Received(signed, content)))
        else:
            self.dropped[Reason.NO_RUNNER_FOR_SLOT] += 1

    def head_seen(self, slot: Slot) -> None:
        """Note that the block of a slot has become the head; its duty need not wait for the third."""
        if slot in self._heads:
            self._heads[slot].set()

    async def run(self) -> None:
        """Serve every slot from the next one on, until cancelled."""
        try:
            async for slot in self._clock.ticks():
                self._spawn(self._serve(slot))
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    async def _serve(self, slot: Slot) -> None:
        duty = await self._duties.committee_duty(slot)
        if duty is None:
            return
        try:
            machine = CommitteeRunner(self._seat, duty)
        except ProtocolError as error:
            self.dropped[error.reason] += 1
            return
        end = self._clock.chain.slot_start(Slot(slot + LAST_SLOT_OF_DUTY))
        task = DutyTask(machine, self._ports, end)
        self.tasks[slot] = task
        for _, message in [item for item in self._early if item[0] == slot]:
            task.deliver(message)
        running = asyncio.create_task(task.run())
        try:
            await self._wait_to_begin(slot)
            task.begin()
            await self._clock.wait_until(end)
        finally:
            running.cancel()
            del self.tasks[slot]
            self.dropped.update(task.dropped)
            with suppress(asyncio.CancelledError):
                await running  # raises what ended the task early, if anything did
        self._on_record(self.operator_id, record_of(task, duty))

    async def _wait_to_begin(self, slot: Slot) -> None:
        slot_duration_s = self._clock.chain.slot_duration_s
        head = self._heads.setdefault(slot, asyncio.Event())
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
            del self._heads[slot]

    def _remember(self, digest: bytes) -> None:
        self._seen[digest] = None
        if len(self._seen) > SEEN_LIMIT:
            del self._seen[next(iter(self._seen))]

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)


def record_of(task: DutyTask, duty: CommitteeDuty) -> DutyRecord:
    """Sum up a duty after its deadline."""
    machine = task.machine
    attesters = frozenset(d.validator_index for d in duty.validator_duties if d.type == BeaconRole.ATTESTER)
    missed = {index: _missed_reason(task, index) for index in attesters - task.submitted}
    return DutyRecord(
        slot=duty.slot,
        attesters=attesters,
        submitted=frozenset(task.submitted),
        missed=missed,
        participants={index: machine.participants(index) for index in attesters},
        last_round=machine.round,
        decided=machine.vote is not None,
        stages_ms=task.stages.durations_ms(),
    )


def _missed_reason(task: DutyTask, index: ValidatorIndex) -> MissedReason:
    if index in task.submission_refused:
        return MissedReason.SUBMISSION_REFUSED
    return task.machine.missed_reason(index) or MissedReason.LATE
