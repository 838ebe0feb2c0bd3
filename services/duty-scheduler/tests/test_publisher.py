"""The bucket's writer on a real bus."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.support.nats import running_nats
from tests.support.scheduler import SchedulerWorld

from ssv_duty_scheduler.publisher import Publisher
from ssv_protocol.beacon_chain import BeaconChain, BeaconFork, ScheduledFork
from ssv_protocol.forks import Network
from ssv_protocol.networks import local_network
from ssv_protocol.types.ids import Epoch, ExecutionAddress, ForkVersion, Root
from ssv_runtime.bus import BusRefused
from ssv_runtime.nats_permissions import MAX_PAYLOAD_BYTES

FORKS = (ScheduledFork(BeaconFork.PHASE0, ForkVersion(bytes(4)), Epoch(0)),)
CHAIN = BeaconChain(1_700_000_000, Root(bytes(32)), 12.0, 32, 256, 512, FORKS)
NETWORK = Network(local_network(ExecutionAddress(bytes(20)), CHAIN.slot_duration_s), CHAIN)
NOW, NEXT = EPOCHS = Epoch(5), Epoch(6)


def test_a_value_that_is_too_large_holds_up_no_other(tmp_path: Path) -> None:
    committees = {f"{epoch}.{'ab' * 32}": b"duties" for epoch in EPOCHS}
    too_large = {f"{NOW}.network": bytes(MAX_PAYLOAD_BYTES + 1)}
    fitting = {f"{NEXT}.network": b"everybody"}

    async def scenario() -> None:
        with running_nats(tmp_path / "nats") as nats:
            world = SchedulerWorld(tmp_path, NETWORK, nats)
            async with world.reading("duty-scheduler") as bus:
                publisher = Publisher(bus.bucket, CHAIN)
                with pytest.raises(BusRefused):
                    await publisher.publish({**too_large, **fitting, **committees}, EPOCHS, EPOCHS)
                for key, value in {**committees, **fitting}.items():
                    entry = await bus.bucket.get(key)
                    assert entry is not None
                    assert entry.value == value
                assert await publisher.publish({**fitting, **committees}, EPOCHS, EPOCHS) == 0

    asyncio.run(scenario())
