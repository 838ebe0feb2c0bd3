"""One operator: the real machines of all its duties and the real signer, and the least that must be between them.

What a service does around a machine is done here on the event queue: admission, messages that came too early, timers,
signing, combining, submitting, and the decision told once more to one who still changes rounds.

Not modelled: leases, the bus, a signer that does not answer.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random

from ssv_consensus.ports import Signed
from ssv_devnet.committee.local_signer import LocalSigner
from ssv_devnet.simulation.machines.beacon import BeaconNodes
from ssv_devnet.simulation.machines.book import Book, DutyKey
from ssv_devnet.simulation.machines.door import Door
from ssv_devnet.simulation.machines.event_queue import EventQueue
from ssv_protocol.crypto.combine import bad_shares, combine
from ssv_protocol.effects import (
    Combine,
    Draft,
    Effect,
    Event,
    Fetch,
    Finish,
    Publish,
    Received,
    Report,
    Send,
    SetTimer,
    Submit,
    TimerFired,
)
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.forks import Network
from ssv_protocol.runners.admission import duty_slot
from ssv_protocol.runners.early import EARLY_REASONS, EarlyMessages
from ssv_protocol.runners.runner import Duty, Runner
from ssv_protocol.runners.seats import CommitteeSeat, ValidatorSeat
from ssv_protocol.runners.selection import Selection
from ssv_protocol.runners.table import AGGREGATOR_COMMITTEE_RUNNER, COMMITTEE_RUNNER, VALIDATOR_RUNNERS
from ssv_protocol.types.duty import AggregatorCommitteeDuty, CommitteeDuty, runner_role
from ssv_protocol.types.ids import Instant, Slot, ValidatorIndex
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.operator import CommitteeMember
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import QbftMessageType
from ssv_protocol.types.share import Share

BEACON_DELAY_S = (0.0, 0.3)
WAITING_MESSAGES = 2000
SELECTION = Selection(is_sync_aggregator=lambda proof: True)
Publisher = Callable[[SignedSSVMessage], None]


@dataclass(slots=True)
class _Running:
    """A duty under way; a restart makes a new one of it."""

    duty: Duty
    machine: Runner
    early: EarlyMessages = field(default_factory=EarlyMessages)
    timer: object = None
    helped: bool = False
    decision: SignedSSVMessage | None = None


class Operator:
    """Runs every duty that it is given, each with a machine of its own, as long as they are not forgotten."""

    def __init__(
        self,
        member: CommitteeMember,
        shares: dict[ValidatorIndex, Share],
        network: Network,
        signer: LocalSigner,
        beacon: BeaconNodes,
        queue: EventQueue,
        door: Door,
        publish: Publisher,
        book: Book,
        random: Random,
    ) -> None:
        self.operator_id = member.operator_id
        self.dropped: Counter[Reason] = Counter()
        self._member = member
        self._shares = shares
        self._network = network
        self._signer = signer
        self._beacon = beacon
        self._queue = queue
        self._door = door
        self._publish = publish
        self._book = book
        self._random = random
        self._restarts = 0
        self._running: dict[DutyKey, _Running] = {}
        self._waiting: dict[DutyKey, deque[Received]] = defaultdict(lambda: deque(maxlen=WAITING_MESSAGES))

    def begin(self, duty: Duty) -> None:
        """Start a duty, or start it over as a worker does that remembers nothing."""
        machine = self._machine(duty)
        running = _Running(duty, machine)
        key = machine.message_id, duty.slot
        self._running[key] = running
        self._carry_out(running, machine.start())
        for message in self._waiting.pop(key, ()):
            self._take(running, message)

    def restart(self, slot: Slot) -> None:
        """Lose all duties of a slot, and begin them again."""
        self._restarts += 1
        for key, running in list(self._running.items()):
            if key[1] == slot:
                self.begin(running.duty)

    def forget_before(self, slot: Slot) -> None:
        """Drop the duties of earlier slots, and what was kept for them."""
        self._running = {key: running for key, running in self._running.items() if key[1] >= slot}
        for key in [key for key in self._waiting if key[1] < slot]:
            del self._waiting[key]

    def deliver(self, encoded: bytes) -> None:
        """Take a message from the network."""
        try:
            message = self._door.admitted(encoded)
        except ProtocolError as error:
            self.dropped[error.reason] += 1
            return
        key = message.signed.ssv_message.msg_id, duty_slot(message.content)
        running = self._running.get(key)
        if running is not None:
            self._take(running, message)
        elif abs(key[1] - self._network.chain.slot_at(self._queue.now)) <= 1:
            self._waiting[key].append(message)

    def _machine(self, duty: Duty) -> Runner:
        member, network = self._member, self._network
        if isinstance(duty, CommitteeDuty):
            return COMMITTEE_RUNNER(CommitteeSeat(member, self._shares, network), duty, None)
        if isinstance(duty, AggregatorCommitteeDuty):
            seat = CommitteeSeat(member, self._shares, network, selection=SELECTION)
            return AGGREGATOR_COMMITTEE_RUNNER(seat, duty, None)
        make = VALIDATOR_RUNNERS[runner_role(duty.type, network.ssv_fork_at(duty.slot))]
        share = self._shares[duty.validator_index]
        return make(ValidatorSeat(member, share, network, selection=SELECTION), duty, None)

    # around a machine

    def _take(self, running: _Running, event: Event) -> None:
        before = _stage_of(running.machine)
        self._step(running, event)
        while len(running.early) and before != (before := _stage_of(running.machine)):
            for message in running.early.take_all():
                self._step(running, message)

    def _step(self, running: _Running, event: Event) -> None:
        key = running.machine.message_id, running.duty.slot
        if self._running.get(key) is not running:
            return  # of a machine that was lost
        try:
            effects = running.machine.step(event, self._queue.now)
        except ProtocolError as error:
            if isinstance(event, Received) and error.reason in EARLY_REASONS:
                running.early.keep(event)
            else:
                self.dropped[error.reason] += 1
                self._help_straggler(running, event)
            return
        finally:
            self._note_decision(key, running)
        self._carry_out(running, effects)

    def _note_decision(self, key: DutyKey, running: _Running) -> None:
        phase = running.machine.consensus
        if phase is None or phase.instance is None or not phase.instance.state.decided:
            return
        if phase.decided is not None:
            running.decision = phase.decided
        self._book.note_decision(self.operator_id, key, phase.instance.state)

    def _help_straggler(self, running: _Running, event: Event) -> None:
        if running.helped or running.decision is None or not isinstance(event, Received):
            return
        if isinstance(event.content, QbftMessage) and event.content.msg_type == QbftMessageType.ROUND_CHANGE:
            running.helped = True
            self._publish(running.decision)

    def _carry_out(self, running: _Running, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(draft):
                    self._queue.after(0.0, partial(self._sign, running, draft))
                case Publish(signed):
                    self._publish(signed)
                case SetTimer(round_, deadline):
                    self._set_timer(running, TimerFired(round_), deadline)
                case Combine():
                    self._queue.after(0.0, partial(self._combine, running, effect))
                case Submit():
                    self._beacon.take(effect)
                case Report():
                    self._book.note_report(self.operator_id, running.duty.slot, effect)
                case Finish():
                    self._book.note_finish(self.operator_id, (running.machine.message_id, running.duty.slot))
                case _:
                    self._fetch(running, effect)

    def _set_timer(self, running: _Running, event: TimerFired, deadline: Instant) -> None:
        token = running.timer = object()
        self._queue.at(deadline, lambda: self._take(running, event) if running.timer is token else None)

    def _fetch(self, running: _Running, request: Fetch) -> None:
        answer = self._beacon.answer(request, self._view(running.duty.slot))
        due = max(self._queue.now, getattr(request, "not_before", self._queue.now))
        self._queue.at(Instant(due + self._random.uniform(*BEACON_DELAY_S)), lambda: self._take(running, answer))

    def _view(self, slot: Slot) -> int:
        """Return what this operator's node sees in a slot; another thing since each restart."""
        return Random(f"{self._book.seed}/view/{self.operator_id}/{slot}/{self._restarts}").randrange(3)

    def _sign(self, running: _Running, draft: Draft) -> None:
        result = self._signer.sign(draft)
        if not isinstance(result, Signed):
            self._book.note_denial(self.operator_id)
            return  # a refusal is told to a machine for the ledger's sake only
        signed = result.message
        self._book.note_message(self.operator_id, signed)
        self._publish(signed)
        self._take(running, self._door.admitted(signed.encode()))

    def _combine(self, running: _Running, job: Combine) -> None:
        result = combine(job, self._random.randbytes)
        for item, outcome in zip(job.items, result.results, strict=True):
            self._book.note_combination(self.operator_id, running.duty.slot, bad_shares(item), outcome)
        self._take(running, result)


def _stage_of(machine: Runner) -> tuple[object, ...]:
    """Return everything that makes a message too early; while it stays as it is, so does a refusal."""
    phase = machine.consensus
    if phase is None or phase.instance is None:
        return (phase,)
    state = phase.instance.state
    return state.round, state.accepted_proposal is None, state.decided, phase.decided_value
