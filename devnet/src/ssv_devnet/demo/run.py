"""The demo from the first process to the verdict.

    EVM and contract → operators and validators registered → beacon node → builder and background validators →
    operators → epochs pass, while the owner sends its transactions → the observer counts

Operators run as they do in production: five services each with a bus of their own, as processes or grouped into one,
and libp2p between them. Everything is a child of this process and ends with it, on Ctrl-C too.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from rich.console import Console

from ssv_devnet.demo.crashes import Crash, crash_each
from ssv_devnet.demo.final_tables import final_tables
from ssv_devnet.demo.footprint import StartTimes
from ssv_devnet.demo.outages import Outage, Outages, note_who_told
from ssv_devnet.demo.owner import Owner
from ssv_devnet.demo.provision import fresh_folder
from ssv_devnet.demo.reckoning import Counted, reckon
from ssv_devnet.demo.report import Report, write
from ssv_devnet.demo.rule_sets import switch_of
from ssv_devnet.demo.scoreboard import Scoreboard
from ssv_devnet.demo.secrecy import leaks, secrets_of
from ssv_devnet.demo.seen_duty import listening
from ssv_devnet.demo.settings import KILL_COUNTED_EPOCH, DemoSettings
from ssv_devnet.demo.signer_kills import SignerKill, kill_in_turn
from ssv_devnet.demo.table import LiveTable
from ssv_devnet.demo.verdict import LONG_RUN_EPOCHS, Demands, failures
from ssv_devnet.demo.watch import Watch
from ssv_devnet.interop import interop_secret_key
from ssv_devnet.local_network.databases import running_databases
from ssv_devnet.local_network.handover import signing_epoch
from ssv_devnet.local_network.operators import LocalOperator, running_operators, until_ready
from ssv_devnet.local_network.world import World, WorldSettings, running_world
from ssv_devnet.observer import Observer
from ssv_ethereum.beacon.node import BeaconNode
from ssv_ethereum.slot_clock import SlotClock
from ssv_protocol.types.ids import Epoch, OperatorId, Slot

_UNCOUNTED_LAST_SLOTS = 2
"""No later block of the run could hold what is due in them."""
_EXIT_COUNTED_EPOCH = 1
Operators = Mapping[OperatorId, LocalOperator]


async def run_demo(settings: DemoSettings, console: Console) -> tuple[Report, list[str]]:
    """Run the demo and write its report; return it with what is wrong. Raises SsvError when something can't start."""
    folder = fresh_folder(settings.folder)
    scoreboard = Scoreboard(settings.operator_ids, dict.fromkeys(settings.down, Slot(0)))
    steps, starts, outages = _Steps(console), StartTimes(), list[Outage]()
    crashes, kills = list[Crash](), list[SignerKill]()
    async with AsyncExitStack() as stack:
        databases = None
        if settings.store == "postgres":
            databases = await stack.enter_async_context(running_databases(settings.operator_ids))
            steps.done("PostgreSQL runs, a database for each operator")
        world = await stack.enter_async_context(running_world(_world_settings(settings), steps.done))
        operators = await stack.enter_async_context(
            running_operators(world, settings.grouped, settings.down, databases)
        )
        for operator in operators.values():
            await stack.enter_async_context(listening(operator, scoreboard.add))
        signing, _ = await asyncio.gather(_hand_over(world, operators), until_ready(operators, starts.look))
        clock = SlotClock(world.network.chain)
        epoch = _first_whole(signing, clock)
        steps.done(f"{_shape(operators)}; keys sign from epoch {signing} on, counted from epoch {epoch} on")

        switch = switch_of(settings, epoch)
        beacon = await stack.enter_async_context(BeaconNode(world.beacon_url))
        observer = Observer(beacon, clock.chain, settings.validators)
        first_counted = clock.chain.first_slot(epoch)
        last_slot = Slot(first_counted + settings.epochs * clock.chain.slots_per_epoch - 1)
        last_counted = Slot(last_slot - _UNCOUNTED_LAST_SLOTS)
        owner = Owner(world.registry, settings.operator_ids, clock)
        with LiveTable(console, settings.plain) as table:
            watch = Watch(
                world.network, clock, observer, beacon, world.builder, scoreboard, table, first_counted, last_counted
            )
            misfortunes = _Misfortunes(settings, clock, Epoch(epoch + KILL_COUNTED_EPOCH), operators, scoreboard)
            async with (
                _beside(misfortunes.kill(table)),
                _beside(misfortunes.crash(crashes)),
                _beside(misfortunes.kill_signers(last_counted, kills)),
                _beside(_own(owner, table, settings, epoch)),
                _beside(_take_away(world, Outages(world, clock, first_counted, outages, table.note))),
            ):
                await watch.until(last_slot)
        note_who_told(outages, operators.values())
        counted = Counted(world, observer.observation(first_counted, last_counted), owner, settings)
        report = await reckon(
            counted,
            scoreboard,
            beacon,
            footprints=starts.footprints(operators),
            crashes=crashes,
            kills=kills,
            outages=outages,
            found=leaks(folder, secrets_of(world, operators, databases)),
        )
        long_run = settings.epochs >= LONG_RUN_EPOCHS
        wrong = failures(report, Demands(clock.chain, settings.min_percent, long_run, switch))
    write(report, settings)
    console.print(*final_tables(report, table.epochs.values()))
    return report, wrong


def _world_settings(settings: DemoSettings) -> WorldSettings:
    return WorldSettings(
        settings.folder,
        settings.slot_s,
        settings.operators,
        settings.validators,
        settings.fork_epoch,
        endpoints=settings.beacons,
    )


async def _own(owner: Owner, table: LiveTable, settings: DemoSettings, first: Epoch) -> None:
    """Send the owner's transactions in their time."""
    chain = owner.clock.chain
    await owner.name_fee_recipient(chain.first_slot(first))
    table.note(f"the owner named a fee recipient: all validators register in slot {owner.registrations_slot}")
    if settings.epochs <= _EXIT_COUNTED_EPOCH:
        return
    leaving = settings.validators[-1]
    pubkey = interop_secret_key(leaving).public_key()
    await owner.ask_for_exit(chain.first_slot(Epoch(first + _EXIT_COUNTED_EPOCH)), leaving, pubkey)
    table.note(f"the owner asked for validator {leaving}'s exit: due in slot {owner.exit_slot}")


async def _take_away(world: World, outages: Outages) -> None:
    """Have beacon nodes and EVM endpoints fail, if there are others."""
    if world.beacon.pair is not None:
        await outages.all()


async def _hand_over(world: World, operators: Operators) -> Epoch:
    """Have the background client stop voting for the SSV validators when the operators may begin; return when."""
    epoch = await signing_epoch(operators.values(), world.provisioned.validators)
    await world.background.release(world.settings.validators, epoch)
    return epoch


def _first_whole(signing: Epoch, clock: SlotClock) -> Epoch:
    """Return the first epoch from `signing` on that has not begun: where starting takes long, the keys sign earlier."""
    now = clock.slot()
    begun = now >= clock.chain.first_slot(signing)
    return Epoch(clock.chain.epoch_of(now) + 1) if begun else signing


@dataclass(frozen=True, slots=True)
class _Misfortunes:
    """What the settings say shall go wrong, from the second counted epoch on."""

    settings: DemoSettings
    clock: SlotClock
    epoch: Epoch
    operators: Operators
    scoreboard: Scoreboard

    async def kill(self, table: LiveTable) -> None:
        """End operators for good, in the middle of what they do."""
        slot = self.clock.chain.first_slot(self.epoch)
        await self.clock.wait_for_slot(slot)
        for operator_id in self.settings.kill:
            self.scoreboard.dead_from[operator_id] = slot
            await self.operators[operator_id].running.stop(drain_s=0)
            table.note(f"slot {slot}: operator {operator_id} killed")

    async def crash(self, crashes: list[Crash]) -> None:
        """Kill one service after the other; they come back."""
        if self.settings.crash is not None:
            await crash_each(self.operators[self.settings.crash], self.clock, self.epoch, crashes)

    async def kill_signers(self, last: Slot, kills: list[SignerKill]) -> None:
        """Kill the signers of one operator in turn, up to the slot `last`; they come back."""
        if self.settings.kill_signer is not None:
            slots = range(self.clock.chain.first_slot(self.epoch), last + 1)
            await kill_in_turn(self.operators[self.settings.kill_signer], self.clock, slots, kills)


@asynccontextmanager
async def _beside(work: Coroutine[None, None, None]) -> AsyncGenerator[None, None]:
    """Run `work` beside the block; what it raises is raised at the block's end."""
    task = asyncio.get_running_loop().create_task(work)
    try:
        yield
    finally:
        if not task.done():
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    if not task.cancelled():
        task.result()


def _shape(operators: Operators) -> str:
    words = [f"{o} ({len(running.running.processes)} processes)" for o, running in operators.items()]
    return f"operators {', '.join(words)} are ready"


class _Steps:
    """Says what has been done and how long it took."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._since = time.monotonic()

    def done(self, what: str) -> None:
        now = time.monotonic()
        self._console.print(
            f"[green]✓[/green] {what} [dim]({now - self._since:.1f} s)[/dim]", highlight=False, soft_wrap=True
        )
        self._since = now
