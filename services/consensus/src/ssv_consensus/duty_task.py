"""The shell around one duty's state machine: one inbox, one task, effects carried out at the edge.

Only admitted messages come in; what comes too early is kept and offered again. Signing, publishing, fetching,
combining and submitting run beside the inbox and answer into it, so the machine never waits for them. Drafts are
signed one after another, in the order in which the machine made them.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine

from ssv_consensus.legs import Leg, LegTimes
from ssv_consensus.ports import Failed, Ports, Signed, SignVerdict, handed
from ssv_consensus.stages import Stage, StageTimes
from ssv_protocol.crypto.combine import combine
from ssv_protocol.effects import (
    Combine,
    CombinedAll,
    Draft,
    Effect,
    Event,
    FetchAttestationData,
    Finish,
    PostConsensusDraft,
    Publish,
    Received,
    Refused,
    Send,
    SetTimer,
    Submit,
    TimerFired,
)
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.runners.admission import admit
from ssv_protocol.runners.committee import CommitteeRunner
from ssv_protocol.runners.early import EARLY_REASONS, EarlyMessages
from ssv_protocol.signing.verdict import Denied
from ssv_protocol.types.ids import Instant, ValidatorIndex
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import BeaconRole, QbftMessageType

FETCH_RETRY_S = 0.2
SIGN_RETRY_S = 0.2
"""After the signer could not do its work."""


class DutyTask:
    """Runs one committee duty from its slot's start to `deadline`.

    `unsigned` and `unpublished` count drafts and messages that signer and gateway still owe an answer for.
    """

    def __init__(self, machine: CommitteeRunner, ports: Ports, deadline: Instant) -> None:
        self.machine = machine
        self.stages = StageTimes(ports.now)
        self.legs = LegTimes()
        self.dropped: Counter[Reason] = Counter()
        self.refused: list[Refused] = []
        self.unsigned = 0
        self.unpublished = 0
        self.submitted: set[ValidatorIndex] = set()
        self.submission_refused: set[ValidatorIndex] = set()
        self._ports = ports
        self._deadline = deadline
        self._inbox: asyncio.Queue[Event] = asyncio.Queue()
        self._drafts: asyncio.Queue[tuple[Draft, Instant]] = asyncio.Queue()
        self._early = EarlyMessages()
        self._helped = False
        self._timer: asyncio.TimerHandle | None = None
        self._side_tasks: set[asyncio.Task[None]] = set()

    def deliver(self, message: Received, came_at: Instant | None = None) -> None:
        """Take an admitted message from the network; `came_at` is when the gateway had it."""
        if came_at is not None:
            self.legs.add(Leg.BUS, came_at, self._ports.now())
        self._inbox.put_nowait(message)

    def begin(self) -> None:
        """Start the duty itself; until then the task only collects messages."""
        self._carry_out(self.machine.start())

    async def run(self) -> None:
        """Serve the inbox until cancelled; share signatures that come after the end still count as seen."""
        self._spawn(self._sign_drafts())
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
        changed = self._step(event)
        while changed and len(self._early):
            changed = False
            for message in self._early.take_all():
                changed |= self._step(message)

    def _step(self, event: Event) -> bool:
        """Offer one event; return whether the machine took it."""
        try:
            effects = self.machine.step(event, self._ports.now())
        except ProtocolError as error:
            if isinstance(event, Received) and error.reason in EARLY_REASONS:
                self._early.keep(event)
            else:
                self.dropped[error.reason] += 1
                self._help_straggler(event)
            return False
        self._carry_out(effects)
        return True

    def _help_straggler(self, event: Event) -> None:
        """Publish the decision, once, when a member still changes rounds after it.

        A decision that only some have heard of would otherwise stay theirs: who has decided takes no further part,
        and the others may be too few for a quorum. Ours; the specification leaves it to the gossip's flooding.
        """
        if self._helped or self.machine.decided is None or not isinstance(event, Received):
            return
        if isinstance(event.content, QbftMessage) and event.content.msg_type == QbftMessageType.ROUND_CHANGE:
            self._helped = True
            self._publish(self.machine.decided)

    def _carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(draft):
                    if isinstance(draft, PostConsensusDraft):
                        self.stages.reached(Stage.CONSENSUS)
                    self.unsigned += 1
                    self._drafts.put_nowait((draft, self._ports.now()))
                case Publish(signed):
                    self._publish(signed)
                case SetTimer(round_, deadline):
                    self._set_timer(TimerFired(round_), deadline)
                case FetchAttestationData():
                    self.stages.reached(Stage.START)
                    self._spawn(self._fetch(effect))
                case Combine():
                    self.stages.reached(Stage.PARTIAL_SIGNATURES)
                    self._spawn(self._combine(effect))
                case Submit():
                    self._spawn(self._submit(effect))
                case Finish():
                    pass

    def _set_timer(self, event: TimerFired, deadline: Instant) -> None:
        if self._timer is not None:
            self._timer.cancel()
        delay_s = max(0.0, deadline - self._ports.now())
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._inbox.put_nowait, event)

    async def _sign_drafts(self) -> None:
        while True:
            draft, since = await self._drafts.get()
            verdict = await self._signed(draft)
            if not isinstance(verdict, Failed):
                self.unsigned -= 1
            match verdict:
                case Signed(signed, denied):
                    self.legs.add(Leg.SIGNER, since, self._ports.now())
                    for index, why in denied.items():
                        self._refuse(Refused(draft, why.reason, index))
                    self._take_own(signed)
                case Denied(reason):
                    self._refuse(Refused(draft, reason))

    async def _signed(self, draft: Draft) -> SignVerdict:
        while isinstance(verdict := await self._ports.signer.sign(draft, self._deadline), Failed):
            if self._ports.now() >= self._deadline:
                break
            await asyncio.sleep(SIGN_RETRY_S)
        return verdict

    def _take_own(self, signed: SignedSSVMessage) -> None:
        try:  # a signer with another operator's key must not go unnoticed
            if signed.operator_ids != (self.machine.member.operator_id,):
                raise ProtocolError(Reason.ENVELOPE_SIGNATURE, f"signed by {list(signed.operator_ids)}")
            content = admit(self.machine.member, signed)
        except ProtocolError as error:
            self.dropped[error.reason] += 1
            return
        self._inbox.put_nowait(Received(signed, content))
        self._publish(signed)

    def _publish(self, signed: SignedSSVMessage) -> None:
        self.unpublished += 1
        self._spawn(self._published(signed))

    async def _published(self, signed: SignedSSVMessage) -> None:
        since = self._ports.now()
        if await self._ports.gossip.publish(signed, self.machine.duty.slot, self._deadline):
            self.unpublished -= 1
            self.legs.add(Leg.GATEWAY, since, self._ports.now())

    def _refuse(self, refusal: Refused) -> None:
        self.refused.append(refusal)
        self._inbox.put_nowait(refusal)

    async def _fetch(self, question: FetchAttestationData) -> None:
        while True:
            try:
                answer = await self._ports.beacon.answer(question)
            except Exception:  # the client has told the human; the duty tries until its deadline
                await asyncio.sleep(FETCH_RETRY_S)
                continue
            self.stages.reached(Stage.ATTESTATION_DATA)
            self._inbox.put_nowait(answer)
            return

    async def _combine(self, job: Combine) -> None:
        result: CombinedAll = await self._ports.offload(lambda: combine(job, self._ports.random_bytes))
        self.stages.reached(Stage.COMBINE)
        self._inbox.put_nowait(result)

    async def _submit(self, work: Submit) -> None:
        try:
            refused = await self._ports.beacon.submit(self.machine.duty.slot, work)
        except Exception:  # the client has told the human
            refused = handed(work)
        self.submitted |= {index for role, index in handed(work) - refused if role is BeaconRole.ATTESTER}
        self.submission_refused |= {index for role, index in refused if role is BeaconRole.ATTESTER}
        self.stages.reached(Stage.SUBMISSION)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._side_tasks.add(task)
        task.add_done_callback(self._side_tasks.discard)
