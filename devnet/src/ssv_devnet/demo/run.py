"""The demo from the first process to the verdict.

    EVM and contract → operators and validators registered → beacon node → background validators → operators
    → epochs pass → the observer counts

Everything is a child or a task of this process and ends with it, on Ctrl-C too.
"""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack

from rich.console import Console

from ssv_devnet.background_validators.process import running_background_validators
from ssv_devnet.beacon_node import BeaconNodeSettings, running_beacon_node
from ssv_devnet.committee.memory_network import MemoryNetwork
from ssv_devnet.demo.operators import RunningOperator, World, running_operator
from ssv_devnet.demo.provision import Provisioned, fresh_folder, provision
from ssv_devnet.demo.report import Report, report_of, write
from ssv_devnet.demo.scoreboard import Scoreboard
from ssv_devnet.demo.settings import KILL_COUNTED_EPOCH, OPERATORS, SLOTS_PER_EPOCH, SSV_VALIDATORS, DemoSettings
from ssv_devnet.demo.table import LiveTable, epoch_table, participation_table, stage_table
from ssv_devnet.demo.watch import Watch
from ssv_devnet.evm import AnvilSettings, connect, running_anvil
from ssv_devnet.observer import Observer
from ssv_devnet.registry_contract import deploy, load_artifact
from ssv_ethereum.beacon.node import BeaconNode
from ssv_ethereum.slot_clock import SlotClock
from ssv_protocol.forks import Network
from ssv_protocol.networks import local_network
from ssv_protocol.types.ids import Epoch, ExecutionAddress, OperatorId, Slot

_log = logging.getLogger(__name__)
_START_MARGIN_S = 14
"""From the start of the beacon node to genesis: it, the background validators and the operators must be up by then."""
_UNCOUNTED_LAST_SLOTS = 2
"""No later block of the run could hold what is due in them."""


async def run_demo(settings: DemoSettings, console: Console) -> Report:
    """Run the demo and write its report; raises SsvError when something cannot start."""
    folder = fresh_folder(settings.folder)
    scoreboard = Scoreboard(tuple(OperatorId(number) for number in range(1, OPERATORS + 1)))
    async with AsyncExitStack() as stack:
        say = _Steps(console)
        anvil = await stack.enter_async_context(running_anvil(AnvilSettings(SLOTS_PER_EPOCH)))
        web3 = await stack.enter_async_context(connect(anvil.http_url))
        registry = await deploy(web3, load_artifact())
        say.done(f"EVM runs, registry contract at {registry.address}")
        provisioned = await provision(registry, SSV_VALIDATORS, OPERATORS, folder)
        say.done(f"{OPERATORS} operators registered, {len(provisioned.validators)} validators split and registered")

        genesis_time_s = int(time.time()) + _START_MARGIN_S
        beacon_settings = BeaconNodeSettings(genesis_time_s, settings.slot_s, slots_per_epoch=SLOTS_PER_EPOCH)
        beacon_process = await stack.enter_async_context(running_beacon_node(beacon_settings, folder / "beacon.log"))
        beacon = await stack.enter_async_context(BeaconNode(beacon_process.url))
        chain = await beacon.chain.describe()
        say.done(f"beacon node runs: {await beacon.status.version()}, {chain.slots_per_epoch} slots of "
                 f"{chain.slot_duration_s:g} s an epoch")  # fmt: skip
        background = await stack.enter_async_context(
            running_background_validators(beacon_process.url, beacon_settings.validators, folder / "validators.log")
        )
        network = Network(
            local_network(ExecutionAddress(bytes.fromhex(registry.address[2:])), chain.slot_duration_s), chain
        )
        world = World(
            network,
            beacon_process.url,
            anvil.http_url,
            MemoryNetwork(),
            stack.enter_context(ThreadPoolExecutor(thread_name_prefix="crypto")),
            scoreboard.add,
        )
        operators = await _start_operators(stack, world, provisioned)
        await background.release(SSV_VALIDATORS, operators[0].may_sign_from_epoch)
        say.done(f"{len(operators)} operators run, keys sign from epoch {operators[0].may_sign_from_epoch} on")
        clock = SlotClock(chain)
        console.print(f"genesis in {max(0.0, genesis_time_s - clock.now()):.0f} s")
        observer = Observer(beacon, chain, SSV_VALIDATORS)
        with LiveTable(console, settings.plain) as table:
            first_counted = chain.first_slot(operators[0].may_sign_from_epoch)
            last_slot = Slot(first_counted + settings.epochs * chain.slots_per_epoch - 1)
            last_counted = Slot(last_slot - _UNCOUNTED_LAST_SLOTS)
            watch = Watch(clock, observer, beacon, scoreboard, table, first_counted, last_counted)
            killer = asyncio.create_task(_kill_later(settings, clock, operators, scoreboard, table))
            try:
                await watch.until(last_slot)
            finally:
                killer.cancel()
        report = report_of(scoreboard, observer.observation(first_counted, last_counted))
    write(report, settings)
    console.print(epoch_table(table.epochs.values()), participation_table(report), stage_table(report))
    return report


async def _start_operators(stack: AsyncExitStack, world: World, provisioned: Provisioned) -> list[RunningOperator]:
    return [await stack.enter_async_context(running_operator(world, key)) for key in provisioned.operator_keys.values()]


async def _kill_later(
    settings: DemoSettings,
    clock: SlotClock,
    operators: list[RunningOperator],
    scoreboard: Scoreboard,
    table: LiveTable,
) -> None:
    kill_slot = clock.chain.first_slot(Epoch(operators[0].may_sign_from_epoch + KILL_COUNTED_EPOCH))
    await clock.wait_for_slot(kill_slot)
    for operator in operators:
        if operator.operator_id in settings.kill:
            scoreboard.dead_from[operator.operator_id] = kill_slot
            await operator.kill()
            table.note(f"slot {kill_slot}: operator {operator.operator_id} killed")


class _Steps:
    """Says what has been done and how long it took."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._since = time.monotonic()

    def done(self, what: str) -> None:
        now = time.monotonic()
        self._console.print(f"[green]✓[/green] {what} [dim]({now - self._since:.1f} s)[/dim]", highlight=False)
        self._since = now
