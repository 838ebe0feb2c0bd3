"""The committees of one worker: taken up and let go as registry and duties say, each for itself.

Nothing here waits for anything: what a committee needs and does not have yet makes that committee wait, no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ssv_consensus.duty_book import DutyBook
from ssv_consensus.holding import Holding
from ssv_consensus.instruments import Instruments
from ssv_consensus.seats import DEFAULTS, Preferences, own_committees, seat_of
from ssv_ethereum.slot_clock import SlotClock
from ssv_protocol.errors import ProtocolError
from ssv_protocol.forks import Network
from ssv_protocol.registry.state import ValidatorRecord
from ssv_protocol.runners.seats import CommitteeSeat
from ssv_protocol.types.ids import CommitteeId, Slot
from ssv_runtime.registry_client import RegistryView
from ssv_runtime.service import Service

MakeHolding = Callable[[CommitteeSeat], Holding]


class Worker:
    """Holds every own committee. `make_holding` puts one together."""

    def __init__(
        self,
        network: Network,
        clock: SlotClock,
        book: DutyBook,
        *,
        make_holding: MakeHolding,
        service: Service,
        instruments: Instruments,
        preferences: Preferences = DEFAULTS,
    ) -> None:
        self.holdings: dict[CommitteeId, Holding] = {}
        self._network = network
        self._clock = clock
        self._book = book
        self._make_holding = make_holding
        self._service = service
        self._instruments = instruments
        self._preferences = preferences
        self._view = RegistryView()
        self._records: dict[CommitteeId, list[ValidatorRecord]] = {}
        self._tasks: dict[CommitteeId, asyncio.Task[None]] = {}
        self._draining = False

    def registry_changed(self, view: RegistryView) -> None:
        """Take up new committees, let go of those without validators, renew the seats of the others."""
        before, self._view = self._view, view
        if (
            view.state.operators is before.state.operators
            and view.state.validators is before.state.validators
            and view.state.recipients is before.state.recipients
            and view.own_operator_id == before.own_operator_id
        ):
            return
        self._records = own_committees(view)
        for committee in self.holdings.keys() - self._records.keys():
            self.holdings[committee].node.drain()
            self._instruments.committee_left(committee)
        for committee in self._records:
            self._settle(committee)
        self._instruments.validators.set(sum(map(len, self._records.values())))

    def duties_changed(self, committee: CommitteeId) -> None:
        """Renew the seat of a committee, whose validators may have got their indices, and begin what is new."""
        if committee in self._records:
            self._settle(committee)
        if committee in self.holdings:
            self.holdings[committee].node.duties_changed()

    def head_seen(self, slot: Slot) -> None:
        """Tell every committee that the block of a slot has become the head."""
        for holding in self.holdings.values():
            holding.node.head_seen(slot)

    async def catch_up(self) -> None:
        """Ask the gateways what was missed, for every committee."""
        await asyncio.gather(*(holding.catch_up() for holding in self.holdings.values()))

    async def drain(self) -> None:
        """Take no new duty in any committee; return when those that run are over."""
        self._draining = True
        for holding in self.holdings.values():
            holding.node.drain()
        if self._tasks:
            await asyncio.wait(self._tasks.values())

    def _settle(self, committee: CommitteeId) -> None:
        records = self._records[committee]
        try:
            seat = seat_of(
                self._view,
                records,
                self._book.indices(committee),
                self._network,
                self._clock.slot(),
                preferences=self._preferences,
            )
        except ProtocolError as error:
            self._instruments.committee_refused(committee, str(error))
            return
        if committee in self.holdings:
            self.holdings[committee].node.seat = seat
        elif not self._draining:
            self._take_up(committee, seat, len(records))

    def _take_up(self, committee: CommitteeId, seat: CommitteeSeat, validators: int) -> None:
        holding = self.holdings[committee] = self._make_holding(seat)
        task = self._service.spawn(holding.run, f"committee {committee.hex()[:8]}", restart=True)
        self._tasks[committee] = task
        task.add_done_callback(lambda ended: self._let_go(committee, ended))
        self._instruments.committee_taken(committee, validators)
        self._instruments.committees.set(len(self.holdings))

    def _let_go(self, committee: CommitteeId, ended: asyncio.Task[None]) -> None:
        del self.holdings[committee], self._tasks[committee]
        self._instruments.committees.set(len(self.holdings))
        if committee in self._records and not self._draining and not ended.cancelled():  # it came back meanwhile
            self._settle(committee)
