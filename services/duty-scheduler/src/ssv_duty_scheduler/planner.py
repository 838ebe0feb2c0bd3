"""Keeps the bucket `duties` true: this epoch's duties and the next one's, from everything that they depend on.

A round asks for what is missing or doubtful, then writes what is complete. Rounds come with each slot, with each
change of the registry, and when a head event moves a dependent root; after a failure also in between. One failure
holds up nothing that does not depend on it: proposers that cannot be had leave the committees' duties as they are.
Whatever takes long for many validators is computed in a thread, so that the ticks of the slots come in time.

Source: architecture §3, §5.9; reference: protocol-core §3.9.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection, Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import grpc

from ssv_api.v1 import signer_pb2
from ssv_api.v1.exporter_pb2 import DutyRecord
from ssv_duty_scheduler.beacon_memory import BeaconMemory, Indices
from ssv_duty_scheduler.bucket_values import is_settled
from ssv_duty_scheduler.dependent_roots import DependentRoots
from ssv_duty_scheduler.guard import Guard
from ssv_duty_scheduler.instruments import Instruments
from ssv_duty_scheduler.knowledge import EpochDuties, Known
from ssv_duty_scheduler.notices import Notices
from ssv_duty_scheduler.publisher import Publisher
from ssv_duty_scheduler.questions import QuestionMaker
from ssv_duty_scheduler.slashing_reaction import OnSlashing, stopped
from ssv_duty_scheduler.validator_duties import DutyRules
from ssv_duty_scheduler.value_cache import Counts, ValueCache
from ssv_ethereum.beacon.errors import BeaconError
from ssv_ethereum.beacon.events import HeadEvent
from ssv_ethereum.slot_clock import SlotClock
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import BlsPublicKey, Epoch, Slot
from ssv_runtime.bus import BusError
from ssv_runtime.registry_client import RegistryView
from ssv_runtime.rpc import RpcFailure

if TYPE_CHECKING:
    from ssv_api.v1.signer_pb2_grpc import SignerAsyncStub

FIRST_RETRY_S = 0.2
LAST_RETRY_S = 3.0


class Planner:
    """Gathers, decides, writes. One task runs `run`; the others tell it what they saw."""

    def __init__(
        self,
        *,
        clock: SlotClock,
        beacon: BeaconMemory,
        guard: Guard,
        notices: Notices,
        signer: SignerAsyncStub,
        publisher: Publisher,
        rules: DutyRules,
        instruments: Instruments,
        on_slashing: OnSlashing,
    ) -> None:
        self._clock = clock
        self._beacon = beacon
        self._guard = guard
        self._notices = notices
        self._signer = signer
        self._publisher = publisher
        self._values = ValueCache(rules)
        self._questions = QuestionMaker()
        self._instruments = instruments
        self._on_slashing = on_slashing
        self._roots = DependentRoots(clock.chain)
        self._view: RegistryView | None = None
        self._may_sign_from: dict[BlsPublicKey, Epoch] | None = None
        self._shares_of: Epoch | None = None
        self._wake = asyncio.Event()

    # what others saw
    def slot_began(self) -> None:
        """Look whether anything is to be done."""
        self._wake.set()

    def registry_changed(self, view: RegistryView) -> bool:
        """Take the new registry; returns whether it is the first one."""
        first, self._view = self._view is None, view
        self._instruments.registry.up()
        self._wake.set()
        return first

    def head_seen(self, event: HeadEvent) -> None:
        """Ask again for duties that hang on another block now."""
        moved = self._roots.moved(event, self._beacon.attester_roots())
        if moved:
            self._instruments.roots_moved(Slot(event.slot), moved)
            self._beacon.doubt(moved)
            self._wake.set()

    def events_reopened(self) -> None:
        """The beacon node may have restarted."""
        self._notices.forget()
        self._wake.set()

    def record_seen(self, record: DutyRecord) -> None:
        """Let validators sign for which the others of their committee do."""
        now = self._clock.chain.epoch_of(self._clock.slot())
        if self._view is not None and self._guard.record_seen(record, self._view, self._beacon.infos, now):
            self._wake.set()

    # rounds
    async def run(self) -> None:
        """Keep the bucket true, for ever."""
        retry_s = FIRST_RETRY_S
        while True:
            self._wake.clear()
            done = await self._round()
            retry_s = FIRST_RETRY_S if done else min(2 * retry_s, LAST_RETRY_S)
            with suppress(TimeoutError):
                async with asyncio.timeout(None if done else retry_s):
                    await self._wake.wait()

    async def _round(self) -> bool:
        """Return whether all is known and written."""
        view = self._view
        if view is None:
            return True  # the registry's coming wakes us
        epochs = self._epochs()
        self._beacon.keep_only(epochs)
        self._notices.keep_only(epochs)
        active = (await asyncio.to_thread(self._questions.active, view)).keys()
        with self._instruments.part("signer"):
            asked = [await self._ask_signer(epochs[0], active)]
        with self._instruments.part("beacon"):
            asked.append(await self._ask_beacon(view, active, epochs))
        if self._may_sign_from is not None:
            asked.append(await self._guard.look(self._clock.slot(), self._beacon.infos, self._may_sign_from))
        # whatever failed, what is known gets written
        known = Known(view, self._beacon.infos, self._may_sign_from, self._guard.waiting, self._stopped(view, active))
        return await self._publish(known, epochs) and all(asked)

    def _epochs(self) -> tuple[Epoch, ...]:
        """Return the epoch of now and the next one, before genesis the first: nodes look no further ahead."""
        now = self._clock.chain.epoch_of(self._clock.slot())
        started = self._clock.now() >= self._clock.chain.genesis_time_s
        return (now, Epoch(now + 1)) if started else (now,)

    async def _ask_signer(self, now: Epoch, active: Collection[BlsPublicKey]) -> bool:
        """Know from when on each share may sign: all once an epoch, and while a share is not there yet."""
        keys = set(active)
        if self._may_sign_from is not None and self._shares_of == now and keys <= self._may_sign_from.keys():
            return True
        try:
            held = (await self._signer.ListShares(signer_pb2.ListSharesRequest())).shares
        except grpc.aio.AioRpcError as error:
            self._instruments.shares.down(str(RpcFailure.of(error)), "see the signer's log")
            return False
        may_sign_from, proven = await asyncio.to_thread(_read_shares, held)
        self._may_sign_from, self._shares_of = may_sign_from, now
        self._guard.ours_are({key: proven.get(key) for key in keys & may_sign_from.keys()}, now)
        self._instruments.shares.up()
        return True

    async def _ask_beacon(
        self, view: RegistryView, active: Collection[BlsPublicKey], epochs: tuple[Epoch, ...]
    ) -> bool:
        now, *ahead = epochs
        beacon = self._beacon
        problems = [await _problem(beacon.look_up(view.state.validators.keys(), active, self._clock.slot()))]
        ask = await asyncio.to_thread(self._questions.questions, view, beacon.infos)
        problems += await asyncio.gather(
            *(_problem(beacon.ask_attester(epoch, ask.own)) for epoch in epochs),
            *(_problem(beacon.ask_sync(epoch, ask.everyone)) for epoch in self._one_of_each_period(epochs)),
            _problem(beacon.ask_proposer(now)),
        )
        for epoch in ahead:
            await _problem(beacon.ask_proposer(epoch))  # not every node knows them an epoch ahead
        problems += await asyncio.gather(
            _problem(self._notices.prepare(now, ask.fee_recipients)),
            *(_problem(self._subscribe(epoch, ask.own)) for epoch in epochs),
        )
        first = next((problem for problem in problems if problem is not None), None)
        if first is None:
            self._instruments.beacon.up()
        else:
            self._instruments.beacon.down(str(first), "check that the node runs and is synced, and beacon_urls")
        return first is None

    async def _subscribe(self, epoch: Epoch, own: Indices) -> None:
        """Have the node join the subnets of the own duties at hand."""
        duties = self._beacon.duties(epoch)
        if duties.attester is not None:
            await self._notices.subscribe_attesters(epoch, duties.attester.duties)
        if duties.sync is not None:
            seats = [seat for seat in duties.sync if seat.validator_index in own]
            await self._notices.subscribe_sync(epoch, seats)

    async def _publish(self, known: Known, epochs: tuple[Epoch, ...]) -> bool:
        duties = [self._beacon.duties(epoch) for epoch in epochs]
        with self._instruments.part("values"):
            values, late, counts = await asyncio.to_thread(self._make, known, duties)
        settled = {each.epoch for each in duties if is_settled(known, each)}
        try:
            try:
                with self._instruments.part("bus"):
                    writes = await self._publisher.publish(values, epochs, settled)
            finally:  # what the bus refuses of this epoch's values is no reason to leave out the last one's
                amendments = await self._publisher.amend(late)
        except BusError as error:
            self._instruments.duties.down(f"cannot be written: {error}")
            return False
        if epochs[0] in settled:
            self._instruments.duties.up()
        else:
            self._instruments.duties.down("not known yet")
        self._instruments.published(epochs[0], counts, writes + amendments)
        return True

    def _make(
        self, known: Known, duties: Sequence[EpochDuties]
    ) -> tuple[dict[str, bytes], dict[str, list[ValidatorDuty]], Counts]:
        """Make all that is to be written. Computes for long."""
        now = duties[0].epoch
        values = self._values.values(known, duties)
        late = self._values.late(known, Epoch(now - 1)) if now > 0 else {}
        counts = self._values.counts(known, duties[0])
        self._values.forget_unused()
        return values, late, counts

    def _stopped(self, view: RegistryView, own: Collection[BlsPublicKey]) -> frozenset[BlsPublicKey]:
        slashed_ones = self._questions.questions(view, self._beacon.infos).slashed
        no_duties = stopped(self._on_slashing, slashed_ones, own)
        self._instruments.slashed(slashed_ones, len(no_duties))
        return no_duties

    def _one_of_each_period(self, epochs: Iterable[Epoch]) -> Iterable[Epoch]:
        return {self._clock.chain.sync_period_of(epoch): epoch for epoch in reversed(tuple(epochs))}.values()


def _read_shares(
    held: Iterable[signer_pb2.HeldShare],
) -> tuple[dict[BlsPublicKey, Epoch], dict[BlsPublicKey, Epoch]]:
    """Return from when on each share may sign, and the last epoch of those that are proven to be ours."""
    may_sign_from = {BlsPublicKey(each.validator_pubkey): Epoch(each.may_sign_from_epoch) for each in held}
    proven = {BlsPublicKey(e.validator_pubkey): Epoch(e.owned_epoch) for e in held if e.HasField("owned_epoch")}
    return may_sign_from, proven


async def _problem(question: Awaitable[None]) -> BeaconError | None:
    try:
        await question
    except BeaconError as error:
        return error
    return None
