"""The consensus worker: the committees' duties, from the bus to the beacon node.

Invariant: nothing here is state that lasts; a worker that starts again replays the running slots from the gateways,
and the signer answers what is on record with the recorded message. A missing dependency makes only what needs it wait.

On SIGTERM: no new duties, the running ones come to their end, their records are stored, then the worker ends.
"""

from __future__ import annotations

import asyncio
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from ssv_api.v1.signer_pb2_grpc import SignerStub
from ssv_consensus.assembly import Assembly, Threads
from ssv_consensus.beacon_port import BeaconPort
from ssv_consensus.duty_book import DutyBook
from ssv_consensus.instruments import Instruments
from ssv_consensus.lease_instruments import LeaseInstruments
from ssv_consensus.lease_keeper import LeaseKeeper
from ssv_consensus.record_stream import RecordStream
from ssv_consensus.seats import Preferences, padded_graffiti
from ssv_consensus.settings import ConsensusSettings
from ssv_consensus.sign_stream import SignStream
from ssv_consensus.signer_client import SignerClient
from ssv_consensus.watches import (
    catch_up_after_reconnects,
    check_duties,
    head_handler,
    watch_duties,
    watch_registry,
)
from ssv_consensus.worker import Worker
from ssv_ethereum.pool.pool import BeaconPool
from ssv_ethereum.slot_clock import SlotClock
from ssv_runtime import names
from ssv_runtime.bus import Bus
from ssv_runtime.nats_permissions import HEAD
from ssv_runtime.network_file import read_network_file
from ssv_runtime.rpc import channel
from ssv_runtime.service import Service, ServiceSpec

_FLUSH_S = 3.0
_NAME = f"{socket.gethostname()}-{os.getpid()}"
"""Under which the signer knows this worker; for humans."""


async def run(settings: ConsensusSettings, service: Service) -> None:
    """Run the worker until it is asked to stop and its duties are over. Raises SettingsError."""
    network = read_network_file(settings.network_file)
    clock = SlotClock(network.chain)
    instruments = Instruments(service.log, service.metrics, service.health)
    book = DutyBook(network.chain)
    beacon = await service.resources.enter_async_context(
        BeaconPool(settings.beacon_urls, network.chain, settings.beacon_deadline_s, report=instruments.beacon)
    )
    await beacon.look()
    threads = service.resources.enter_context(ThreadPoolExecutor(settings.combine_threads, "combine"))
    bus = await Bus.connect(settings, service)
    registry = channel(settings.registry_target, settings, service, names.ETH1_LISTENER)
    stub = SignerStub(channel(settings.signer_target, settings, service, names.SIGNER))
    stream = SignStream(stub.Sign, instruments.stream_lost, instruments.stream_good)
    signer = SignerClient(stream, stub, clock.now, service.log, instruments.verdict)
    leases = LeaseKeeper(stub, _NAME, clock, LeaseInstruments(service.log, service.metrics, service.health))
    records = RecordStream(bus, service.log, settings.records_max_age_s, settings.records_max_bytes)
    assembly = Assembly(
        network=network,
        clock=clock,
        bus=bus,
        book=book,
        beacon=BeaconPort(beacon, builder_boost_percent=settings.builder_boost_percent),
        signer=signer,
        leases=leases,
        stub=stub,
        threads=Threads(threads),
        records=records,
        instruments=instruments,
        traces=service.traces,
    )
    worker = Worker(
        network,
        clock,
        book,
        make_holding=assembly.holding,
        service=service,
        instruments=instruments,
        preferences=Preferences(
            settings.same_roots,
            padded_graffiti(settings.graffiti),
            settings.gas_limit,
            settings.proposer_delay_s,
        ),
    )
    await bus.subscribe(HEAD, head_handler(worker))
    service.spawn(stream.run, "sign stream", restart=True)
    service.spawn(leases.run, "leases", restart=True)
    service.spawn(records.run, "duty records", restart=True)
    service.spawn(lambda: watch_registry(registry, worker, instruments), "registry", restart=True)
    service.spawn(lambda: watch_duties(bus, book, worker, instruments), "duties", restart=True)
    service.spawn(lambda: check_duties(book, worker, clock, instruments), "duties check", restart=True)
    service.spawn(beacon.watch, "beacon nodes", restart=True)
    service.spawn(lambda: catch_up_after_reconnects(bus, worker), "catch up", restart=True)
    await service.stopping.wait()
    await worker.drain()
    with suppress(TimeoutError):
        await asyncio.wait_for(records.flushed(), _FLUSH_S)


SERVICE = ServiceSpec(names.CONSENSUS, ConsensusSettings, run)
