"""Takes beacon nodes and EVM endpoints away from all operators, one of each kind at a time, and says what that cost.

    first counted epoch    the first EVM endpoint tells of other blocks, without logs, while the owner names a fee
                           recipient; at the epoch's end its connections are refused, while the owner asks for an exit
    second                 the first beacon node is killed with -9 in the middle of a duty
    third                  the second EVM endpoint's connections are refused, the second beacon node is killed

All come back some slots later, a beacon node with an empty database. Promised: nothing is lost that the other node,
or the other endpoint, is there for.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from ssv_devnet.beacon_pair import BeaconPair
from ssv_devnet.demo.missed import MissedDuty
from ssv_devnet.faults import OtherBlocks
from ssv_devnet.local_network.operators import LocalOperator
from ssv_devnet.local_network.world import World
from ssv_devnet.proxy import Proxy
from ssv_ethereum.slot_clock import SlotClock
from ssv_protocol.types.ids import OperatorId, Slot

_MIDDLE = 0.36
"""Share of the slot at which a beacon node dies: a moment after the duty has begun."""
_DISAGREES = "has another block"
"""What an operator says of an endpoint that tells of other blocks."""
Step = Callable[[], Awaitable[None]]
Note = Callable[[str], None]


@dataclass(slots=True)
class Outage:
    """`what` was wrong from slot `begun` on. `over` is the slot in which it was well again, None while it is not.

    `away_s` is how long that took, and `named_by` who told of it, where it is something to be told of.
    """

    what: str
    begun: Slot
    over: Slot | None = None
    away_s: float = 0.0
    named_by: tuple[OperatorId, ...] | None = None

    def lost(self, missed: Sequence[MissedDuty]) -> list[MissedDuty]:
        """Return the duties of those slots that were missed."""
        return [duty for duty in missed if self.begun <= duty.slot and (self.over is None or duty.slot <= self.over)]


@dataclass(frozen=True, slots=True)
class Outages:
    """`first` is the first counted slot; `happened` is filled as they happen."""

    world: World
    clock: SlotClock
    first: Slot
    happened: list[Outage]
    note: Note

    async def all(self) -> None:
        """Let everything happen in its time. Raises SsvError when a node does not come back."""
        pair, endpoints = self.world.beacon.pair, self.world.execution.proxies
        assert pair is not None, "there is just one beacon node"
        epoch = self.clock.chain.slots_per_epoch
        async with asyncio.TaskGroup() as work:
            for doing in (
                self._other_blocks(endpoints[0], until=epoch - 2),
                self._refused(0, endpoints[0], epoch - 1, until=epoch + 4),
                self._killed(0, pair, epoch + 2, until=epoch + 5),
                self._refused(1, endpoints[1], 2 * epoch, until=2 * epoch + 3),
                self._killed(1, pair, 2 * epoch + 1, until=2 * epoch + 4),
            ):
                work.create_task(doing)

    async def _other_blocks(self, endpoint: Proxy, until: int) -> None:
        await self.clock.wait_for_slot(Slot(self.first - 1))
        head = await self.world.registry.web3.eth.block_number

        async def begin() -> None:
            endpoint.fault = OtherBlocks(head)

        async def end() -> None:
            endpoint.fault = None

        await self._outage("EVM endpoint 1 tells of other blocks", -1, 0.0, begin, until, end)

    async def _refused(self, place: int, endpoint: Proxy, begin: int, until: int) -> None:
        what = f"EVM endpoint {place + 1} is gone"
        await self._outage(what, begin, 0.0, endpoint.close, until, endpoint.open)

    async def _killed(self, place: int, pair: BeaconPair, begin: int, until: int) -> None:
        async def kill() -> None:
            await pair.kill(place)

        async def revive() -> None:
            await pair.revive(place)

        await self._outage(f"beacon node {place + 1} killed with -9", begin, _MIDDLE, kill, until, revive)

    async def _outage(self, what: str, begin: int, at_share: float, breaks: Step, until: int, mends: Step) -> None:
        """`begin` and `until` count slots from the first counted one."""
        slot = Slot(self.first + begin)
        await self.clock.wait_for_slot(slot, at_share * self.clock.chain.slot_duration_s)
        outage, since = Outage(what, slot), time.monotonic()
        self.happened.append(outage)
        await breaks()
        self.note(f"slot {slot}: {what}")
        await self.clock.wait_for_slot(Slot(self.first + until))
        await mends()
        outage.over, outage.away_s = self.clock.slot(), time.monotonic() - since
        self.note(f"slot {outage.over}: no longer: {what}")


def note_who_told(outages: Iterable[Outage], operators: Iterable[LocalOperator]) -> None:
    """Note which operators' logs tell that two EVM endpoints disagree."""
    named = tuple(operator.operator_id for operator in operators if _says(operator, _DISAGREES))
    for outage in outages:
        if "other blocks" in outage.what:
            outage.named_by = named


def _says(operator: LocalOperator, text: str) -> bool:
    return any(text in log.read_text(errors="replace") for log in operator.folder.root.rglob("*.log"))
