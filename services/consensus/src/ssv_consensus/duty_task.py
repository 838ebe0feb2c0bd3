"""The shell around one duty's state machine: one inbox, one task, effects carried out at the edge.

Only admitted messages come in; what comes too early is kept and offered again at the next stage of consensus. Signing,
publishing, fetching, combining and submitting run beside the inbox and answer into it, so the machine never waits for
them. Drafts are signed one after another, in the order in which the machine made them.

A defect in one of these is told (`Ports.on_fault`) and costs the duty that one effect, nothing else.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Hashable
from dataclasses import replace
from functools import partial

from ssv_consensus.attendance import Attendance
from ssv_consensus.fetching import fetched
from ssv_consensus.legs import Leg, LegTimes
from ssv_consensus.ports import Failed, Handed, NothingSigned, Ports, Refusal, Signed, SignVerdict, handed
from ssv_consensus.stages import Stage, StageTimes
from ssv_protocol.crypto.combine import combine
from ssv_protocol.effects import (
    Combine,
    CombinedAll,
    Draft,
    Effect,
    Event,
    Fetch,
    Finish,
    PostConsensusDraft,
    Publish,
    Received,
    Refused,
    Report,
    Send,
    SetTimer,
    Submit,
    TimerFired,
)
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.runners.early import EARLY_REASONS, EarlyMessages
from ssv_protocol.runners.runner import Runner
from ssv_protocol.signing.verdict import Denied
from ssv_protocol.types.ids import Instant, OperatorId, Slot
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.partial_signatures import PartialSignatures
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import QbftMessageType

SIGN_RETRY_S = 0.2
"""After the signer could not do its work."""

Admit = Callable[[SignedSSVMessage], QbftMessage | PartialSignatures]
"""Verifies a message; raises ProtocolError."""


class DutyTask:
    """Runs the duty of `machine` for an operator until `deadline`.

    `unsigned` and `unpublished` count drafts and messages that signer and gateway still owe an answer for. `over` is
    set when the machine has finished and everything is handed over. `patience_s` is how long a beacon node may take
    for an answer that the duty can do without. What is `withheld` this operator does not sign after the decision; the
    others' signatures are put together as ever.
    """

    def __init__(
        self,
        machine: Runner,
        ports: Ports,
        deadline: Instant,
        *,
        operator_id: OperatorId,
        admit: Admit,
        patience_s: float,
        withheld: Collection[Handed] = (),
    ) -> None:
        self.machine = machine
        self.stages = StageTimes(ports.now)
        self.legs = LegTimes()
        self.attendance = Attendance()
        self.dropped: Counter[Reason] = Counter()
        self.refused: list[Refused] = []
        self.unsigned = 0
        self.unpublished = 0
        self.handed: set[Handed] = set()
        self.submitted: set[Handed] = set()
        self.submission_refused: set[Handed] = set()
        self.over = asyncio.Event()
        self._ports = ports
        self._deadline = deadline
        self._operator_id = operator_id
        self._admit = admit
        self._patience_s = patience_s
        self._withheld = withheld
        self._inbox: asyncio.Queue[Event] = asyncio.Queue()
        self._drafts: asyncio.Queue[tuple[Draft, Instant]] = asyncio.Queue()
        self._early = EarlyMessages()
        self._helped = False
        self._finished = False
        self._submitting = 0
        self._timer: asyncio.TimerHandle | None = None
        self._side_tasks: set[asyncio.Task[None]] = set()

    @property
    def slot(self) -> Slot:
        """The duty's slot."""
        return self.machine.duty.slot

    @property
    def decided(self) -> SignedSSVMessage | None:
        """The decision, once this operator's own check accepts it."""
        return self.machine.consensus.decided if self.machine.consensus is not None else None

    def deliver(self, message: Received, came_at: Instant | None = None) -> None:
        """Take an admitted message from the network; `came_at` is when the gateway had it."""
        if came_at is not None:
            self.legs.add(Leg.BUS, came_at, self._ports.now())
        self._inbox.put_nowait(message)

    def begin(self) -> None:
        """Start the duty itself; until then the task only collects messages."""
        self.stages.reached(Stage.START)
        try:
            effects = self.machine.start()
        except ProtocolError as error:
            self.dropped[error.reason] += 1
            return
        self._carry_out(effects)

    async def run(self) -> None:
        """Serve the inbox until cancelled; share signatures that come after the end still count as seen."""
        self._spawn(self._sign_drafts)
        try:
            while True:
                self._take(await self._inbox.get())
        finally:
            if self._timer is not None:
                self._timer.cancel()
            for task in self._side_tasks:
                task.cancel()
            await asyncio.gather(*self._side_tasks, return_exceptions=True)

    def _take(self, event: Event) -> None:
        if isinstance(event, Received):
            self.attendance.note(event)
        before = self._stage()
        self._step(event)
        while len(self._early) and (stage := self._stage()) != before:
            before = stage
            for message in self._early.take_all():
                self._step(message)

    def _stage(self) -> Hashable:
        return self.machine.consensus.stage if self.machine.consensus is not None else None

    def _step(self, event: Event) -> None:
        try:
            effects = self.machine.step(event, self._ports.now())
        except ProtocolError as error:
            if isinstance(event, Received) and error.reason in EARLY_REASONS:
                self._early.keep(event)
            else:
                self.dropped[error.reason] += 1
                self._help_straggler(event)
            return
        if self.machine.consensus is not None and self.machine.consensus.started:
            self.stages.reached(Stage.FETCH)
        self._carry_out(effects)

    def _help_straggler(self, event: Event) -> None:
        """Publish the decision, once, when a member still changes rounds after it.

        A decision that only some have heard of would otherwise stay theirs: who has decided takes no further part,
        and the others may be too few for a quorum. Ours; the specification leaves it to the gossip's flooding.
        """
        decided = self.decided
        if self._helped or decided is None or not isinstance(event, Received):
            return
        if isinstance(event.content, QbftMessage) and event.content.msg_type == QbftMessageType.ROUND_CHANGE:
            self._helped = True
            self._publish(decided)

    def _carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(draft):
                    if isinstance(draft, PostConsensusDraft):
                        self.stages.reached(Stage.CONSENSUS)
                        draft = self._without_withheld(draft)
                        if not draft.duties:
                            continue
                    self.unsigned += 1
                    self._drafts.put_nowait((draft, self._ports.now()))
                case Publish(signed):
                    self._publish(signed)
                case SetTimer(round_, deadline):
                    self._set_timer(TimerFired(round_), deadline)
                case Combine():
                    self._spawn(partial(self._combine, effect))
                case Submit():
                    self._submitting += 1
                    self.handed |= handed(effect)
                    self._spawn(partial(self._submit, effect))
                case Report():
                    self._ports.on_report(self.machine.message_id, self.slot, effect)
                case Finish():
                    self._finished = True
                    self._look_whether_over()
                case _:
                    self._spawn(partial(self._fetch, effect))

    def _without_withheld(self, draft: PostConsensusDraft) -> PostConsensusDraft:
        if not self._withheld:
            return draft
        duties = (each for each in draft.duties if (each.type, each.validator_index) not in self._withheld)
        return replace(draft, duties=tuple(duties))

    def _set_timer(self, event: TimerFired, deadline: Instant) -> None:
        if self._timer is not None:
            self._timer.cancel()
        delay_s = max(0.0, deadline - self._ports.now())
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._inbox.put_nowait, event)

    # signing and publishing

    async def _sign_drafts(self) -> None:
        while True:
            draft, since = await self._drafts.get()
            try:
                verdict = await self._signed(draft)
            except Exception as fault:  # the duty's other drafts are to be signed all the same
                self._ports.on_fault(self.machine.message_id, self.slot, fault)
                continue
            if not isinstance(verdict, Failed):
                self.unsigned -= 1
            match verdict:
                case Signed(signed, refusals):
                    self.legs.add(Leg.SIGNER, since, self._ports.now())
                    self._refuse(draft, refusals)
                    self._take_own(signed)
                case NothingSigned(refusals):
                    self._refuse(draft, refusals)
                case Denied(reason):
                    self._told_refused(Refused(draft, reason))

    async def _signed(self, draft: Draft) -> SignVerdict:
        while isinstance(verdict := await self._ports.signer.sign(draft, self._deadline), Failed):
            if self._ports.now() >= self._deadline:
                break
            await asyncio.sleep(SIGN_RETRY_S)
        return verdict

    def _take_own(self, signed: SignedSSVMessage) -> None:
        try:  # a signer with another operator's key must not go unnoticed
            if signed.operator_ids != (self._operator_id,):
                raise ProtocolError(Reason.ENVELOPE_SIGNATURE, f"signed by {list(signed.operator_ids)}")
            if signed.ssv_message.msg_id != self.machine.message_id:
                raise ProtocolError(Reason.MESSAGE_IDENTIFIER, "of another duty")
            content = self._admit(signed)
        except ProtocolError as error:
            self.dropped[error.reason] += 1
            return
        self._inbox.put_nowait(Received(signed, content))
        self._publish(signed)

    def _publish(self, signed: SignedSSVMessage) -> None:
        self.unpublished += 1
        self._spawn(partial(self._published, signed))

    async def _published(self, signed: SignedSSVMessage) -> None:
        since = self._ports.now()
        if await self._ports.gossip.publish(signed, self.slot, self._deadline):
            self.unpublished -= 1
            self.legs.add(Leg.GATEWAY, since, self._ports.now())

    def _refuse(self, draft: Draft, refusals: tuple[Refusal, ...]) -> None:
        for each in refusals:
            self._told_refused(Refused(draft, each.denied.reason, each.validator_index, each.duty_type))

    def _told_refused(self, refusal: Refused) -> None:
        self.refused.append(refusal)
        self._inbox.put_nowait(refusal)

    # beacon node and signatures

    async def _fetch(self, question: Fetch) -> None:
        beacon, now = self._ports.beacon, self._ports.now
        self._inbox.put_nowait(await fetched(beacon, question, now, self._deadline, self._patience_s))

    async def _combine(self, job: Combine) -> None:
        before_consensus = self.machine.consensus is not None and self.decided is None
        if not before_consensus:
            self.stages.reached(Stage.PARTIAL_SIGNATURES)
        result: CombinedAll = await self._ports.offload(lambda: combine(job, self._ports.random_bytes))
        self.stages.reached(Stage.PRE_CONSENSUS if before_consensus else Stage.COMBINE)
        self._inbox.put_nowait(result)

    async def _submit(self, work: Submit) -> None:
        try:
            refused = await self._ports.beacon.submit(self.slot, work)
        except Exception:  # the client has told the human
            refused = handed(work)
        self.submitted |= handed(work) - refused
        self.submission_refused |= refused
        self.stages.reached(Stage.SUBMISSION)
        self._submitting -= 1
        self._look_whether_over()

    def _look_whether_over(self) -> None:
        if self._finished and self._submitting == 0:
            self.over.set()

    def _spawn(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        task = asyncio.get_running_loop().create_task(self._guarded(work))
        self._side_tasks.add(task)
        task.add_done_callback(self._side_tasks.discard)

    async def _guarded(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        try:
            await work()
        except Exception as fault:
            self._ports.on_fault(self.machine.message_id, self.slot, fault)
