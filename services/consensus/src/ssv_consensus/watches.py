"""What a worker follows for as long as it lives: registry, duties, heads and the bus.

Each is a task of its own that goes on when its source comes back.
"""

from __future__ import annotations

import asyncio

import grpc.aio
from google.protobuf.message import DecodeError

from ssv_api.v1 import duties_pb2 as pb
from ssv_consensus.duty_book import DutyBook
from ssv_consensus.instruments import Instruments
from ssv_consensus.worker import Worker
from ssv_ethereum.slot_clock import SlotClock
from ssv_protocol.errors import ProtocolError
from ssv_protocol.types.ids import CommitteeId, Epoch, Slot
from ssv_runtime import registry_client
from ssv_runtime.bus import Bus, KvEntry, Message
from ssv_runtime.bus.subscription import Handler
from ssv_runtime.nats_permissions import DUTIES_BUCKET

NETWORK_KEY = "network"
_CONNECTION_CHECK_S = 0.05


async def watch_registry(channel: grpc.aio.Channel, worker: Worker, instruments: Instruments) -> None:
    """Hand each new state of the registry to the worker."""
    async for view in registry_client.watch(channel, instruments.registry_lost, encrypted_keys=False):
        if view.own_operator_id is None:
            instruments.not_registered()
        else:
            instruments.registry.up()
        worker.registry_changed(view)


async def watch_duties(bus: Bus, book: DutyBook, worker: Worker, instruments: Instruments) -> None:
    """Write what the duty scheduler says into the book."""
    async for entry in bus.kv(DUTIES_BUCKET).watch():
        try:
            _take(entry, book, worker)
        except (DecodeError, ProtocolError, ValueError) as error:
            instruments.log.warning("duties cannot be read", key=entry.key, reason=str(error))


def _take(entry: KvEntry, book: DutyBook, worker: Worker) -> None:
    epoch, _, subject = entry.key.partition(".")
    if subject.partition(".")[0] == NETWORK_KEY:  # what gossip validation needs
        return
    if entry.value is None:
        book.forget(CommitteeId(bytes.fromhex(subject)), Epoch(int(epoch)))
        return
    worker.duties_changed(book.put(pb.CommitteeDuties.FromString(entry.value)))


async def check_duties(book: DutyBook, worker: Worker, clock: SlotClock, instruments: Instruments) -> None:
    """Say whether the scheduler has written the running epoch; without committees there is nothing to write."""
    while True:
        epoch = clock.chain.epoch_of(clock.slot())
        newest = book.newest_epoch
        if not worker.holdings or (newest is not None and newest >= epoch):
            instruments.duties.up()
        else:
            instruments.duties.down(f"none of epoch {epoch}", "see the duty-scheduler")
        await asyncio.sleep(clock.chain.slot_duration_s / 4)


def head_handler(worker: Worker) -> Handler:
    """Return what takes the hints of new heads."""

    async def handle(message: Message) -> None:
        worker.head_seen(Slot(pb.Head.FromString(message.data).slot))

    return handle


async def catch_up_after_reconnects(bus: Bus, worker: Worker) -> None:
    """Ask for what was missed whenever the bus comes back."""
    was_connected = False
    while True:
        await bus.connected()
        if not was_connected:
            await worker.catch_up()
        await asyncio.sleep(_CONNECTION_CHECK_S)
        was_connected = bus.is_connected
