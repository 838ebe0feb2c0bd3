"""The duty-scheduler: who has to do what when, from the chain to the bucket `duties`.

Everything is derived from the chain, the registry and the signer, so nothing is lost when it stops, and two may run.
"""

from __future__ import annotations

import gc
from contextlib import suppress

from google.protobuf.message import DecodeError

from ssv_api.v1.exporter_pb2 import DutyRecord
from ssv_api.v1.signer_pb2_grpc import SignerStub
from ssv_duty_scheduler.beacon_memory import BeaconMemory
from ssv_duty_scheduler.guard import Guard
from ssv_duty_scheduler.heads import Heads
from ssv_duty_scheduler.inclusion_watch import InclusionWatch
from ssv_duty_scheduler.instruments import Instruments
from ssv_duty_scheduler.notices import Notices
from ssv_duty_scheduler.planner import Planner
from ssv_duty_scheduler.publisher import Publisher
from ssv_duty_scheduler.settings import DutySchedulerSettings
from ssv_duty_scheduler.validator_duties import DutyRules
from ssv_ethereum.pool.pool import BeaconPool
from ssv_ethereum.slot_clock import SlotClock
from ssv_runtime import names
from ssv_runtime.bus import Bus, Message
from ssv_runtime.nats_permissions import DECIDED, DUTIES_BUCKET
from ssv_runtime.network_file import read_network_file
from ssv_runtime.registry_client import watch
from ssv_runtime.rpc import channel
from ssv_runtime.service import Service, ServiceSpec

_OBJECTS_BETWEEN_COLLECTIONS, _YOUNG_COLLECTIONS, _MIDDLE_COLLECTIONS = 20_000, 20, 1_000
"""So rarely that 150,000 validators come in without one over all that there is, which holds up everything for long."""
HEDGE_SLOT_SHARE = 1 / 4
"""How long a node may take for the duties of thousands of validators before another is asked as well."""


async def run(settings: DutySchedulerSettings, service: Service) -> None:
    """Work until the service is asked to stop. Raises SettingsError."""
    chain = read_network_file(settings.network_file).chain
    clock = SlotClock(chain)
    instruments = Instruments(service.log, service.metrics, service.health)
    bus = await Bus.connect(settings, service)
    pool = await service.resources.enter_async_context(
        BeaconPool(
            settings.beacon_urls,
            chain,
            settings.beacon_deadline_s,
            hedge_s=HEDGE_SLOT_SHARE * chain.slot_duration_s,
            report=instruments.beacon_nodes,
        )
    )
    await pool.look()
    registry = channel(settings.registry_target, settings, service, names.ETH1_LISTENER)
    signer = SignerStub(channel(settings.signer_target, settings, service, names.SIGNER))
    planner = Planner(
        clock=clock,
        beacon=BeaconMemory(pool, instruments),
        guard=Guard(pool, signer, instruments, enabled=settings.doppelganger_protection),
        notices=Notices(pool, instruments),
        signer=signer,
        publisher=Publisher(bus.kv(DUTIES_BUCKET), chain),
        rules=DutyRules(chain, settings.builder_registrations),
        instruments=instruments,
        on_slashing=settings.on_slashing,
    )

    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, _YOUNG_COLLECTIONS, _MIDDLE_COLLECTIONS)

    async def follow_registry() -> None:
        async for view in watch(registry, instruments.registry.down, encrypted_keys=False):
            if planner.registry_changed(view):
                gc.freeze()  # the registry is not looked at by any collection; what leaves it is freed all the same

    inclusion = InclusionWatch(pool, bus, instruments)

    async def record_came(message: Message) -> None:
        with suppress(DecodeError):
            record = DutyRecord.FromString(message.data)
            planner.record_seen(record)
            inclusion.record_seen(record)

    async def look_into_blocks() -> None:
        async for slot in clock.ticks():
            await inclusion.look(slot)

    async def tick() -> None:
        async for slot in clock.ticks():
            instruments.ticked(slot, clock.now() - chain.slot_start(slot))
            planner.slot_began()

    await bus.subscribe(f"{DECIDED}.>", record_came)
    service.spawn(follow_registry, "registry", restart=True)
    service.spawn(tick, "slots", restart=True)
    service.spawn(Heads(pool, bus, planner, instruments, clock.now).run, "heads", restart=True)
    service.spawn(look_into_blocks, "inclusion", restart=True)
    service.spawn(pool.watch, "beacon nodes", restart=True)
    service.spawn(planner.run, "planner", restart=True)
    await service.stopping.wait()


SERVICE = ServiceSpec(names.DUTY_SCHEDULER, DutySchedulerSettings, run)
