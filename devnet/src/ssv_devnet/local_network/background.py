"""The background process of a standing network: `python -m ssv_devnet.local_network.background --folder DIR`.

It starts everything, hands the validators over to the operators, and watches the chain until SIGTERM. What it does is
a child or a task of it and ends with it, kill -9 included (Linux).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from ssv_devnet.local_network.handover import signing_epoch
from ssv_devnet.local_network.operators import LocalOperator, running_operators, until_ready
from ssv_devnet.local_network.state import EpochSeen, NetworkState, lock_file, write_seen, write_state
from ssv_devnet.local_network.world import World, WorldSettings, running_world
from ssv_devnet.observer import Observer
from ssv_ethereum.beacon.errors import BeaconError
from ssv_ethereum.beacon.node import BeaconNode
from ssv_ethereum.slot_clock import SlotClock
from ssv_protocol.errors import SsvError
from ssv_protocol.types.ids import Epoch, OperatorId, Slot
from ssvctl.supervisor.lock import held
from ssvctl.supervisor.probe import Readiness

_LOOK_AT_SLOT_SHARE = 0.9
_SHOWN_EPOCHS = 3


def main() -> int:
    """Run until SIGTERM or SIGINT; returns the exit code."""
    parser = argparse.ArgumentParser(prog="ssv_devnet.local_network.background", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--operators", type=int, required=True)
    parser.add_argument("--grouped", type=int, nargs="*", default=[])
    parser.add_argument("--slot-s", type=int, required=True)
    arguments = parser.parse_args()
    settings = WorldSettings(arguments.folder.absolute(), arguments.slot_s, arguments.operators)
    try:
        with held(lock_file(settings.folder)):
            asyncio.run(_until_told(settings, [OperatorId(number) for number in arguments.grouped]))
    except SsvError as error:
        _say(f"failed: {error}")
        return 1
    except asyncio.CancelledError:
        _say("stopped")
    return 0


async def _until_told(settings: WorldSettings, grouped: list[OperatorId]) -> None:
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    async with running_world(settings, _say) as world, running_operators(world, grouped) as operators:
        _say(f"{len(operators)} operators started")
        await _hand_over(world, operators)
        await until_ready(operators, _Changes())
        epoch = await signing_epoch(operators.values(), world.provisioned.validators)
        write_state(settings.folder, _state(world, operators, grouped, epoch))
        _say("ready")
        await _watch(world)


async def _hand_over(world: World, operators: Mapping[OperatorId, LocalOperator]) -> None:
    """Release the validators as soon as the shares are held: the later, the more both would vote."""
    epoch = await signing_epoch(operators.values(), world.provisioned.validators)
    await world.background.release(world.settings.validators, epoch)
    _say(f"all shares are held; operators sign from epoch {epoch} on")


def _state(
    world: World, operators: Mapping[OperatorId, LocalOperator], grouped: list[OperatorId], epoch: Epoch
) -> NetworkState:
    return NetworkState(
        world.beacon_url,
        world.execution_url,
        f"0x{world.network.ssv.registry_contract.hex()}",
        [int(operator_id) for operator_id in operators],
        [int(operator_id) for operator_id in grouped],
        [int(index) for index in world.settings.validators],
        int(epoch),
    )


async def _watch(world: World) -> None:
    """Let the observer look once a slot and write down the last epochs, for ever."""
    chain = world.network.chain
    clock = SlotClock(chain)
    async with BeaconNode(world.beacon_url) as beacon:
        observer = Observer(beacon, chain, world.settings.validators)
        slot = clock.slot()
        first_full = Epoch(chain.epoch_of(slot) + 1)
        while True:
            await clock.wait_for_slot(slot, chain.slot_duration_s * _LOOK_AT_SLOT_SHARE)
            with contextlib.suppress(BeaconError):  # the next look reads what this one missed
                await observer.advance(slot)
                write_seen(world.settings.folder, _seen(observer, world, first_full, chain.epoch_of(slot)))
            slot = Slot(slot + 1)


def _seen(observer: Observer, world: World, first_full: Epoch, now: Epoch) -> list[EpochSeen]:
    chain = world.network.chain
    epochs = range(max(first_full, now - _SHOWN_EPOCHS + 1), now + 1)
    seen = []
    for epoch in map(Epoch, epochs):
        first = chain.first_slot(epoch)
        observation = observer.observation(first, Slot(first + chain.slots_per_epoch - 1))
        seen.append(EpochSeen(epoch, len(observation.due), len(observation.included)))
    return seen


class _Changes:
    """Says how the operators' services stand, each time that it changes."""

    def __init__(self) -> None:
        self._said: dict[tuple[OperatorId, str], str] = {}

    def __call__(self, operator_id: OperatorId, now: Mapping[str, Readiness]) -> None:
        for name, readiness in now.items():
            if self._said.get((operator_id, name)) != readiness.text():
                self._said[operator_id, name] = readiness.text()
                _say(f"operator {operator_id}, {name}: {readiness.text()}")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
