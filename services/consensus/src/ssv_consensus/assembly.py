"""Puts one committee's parts together: the node on real ports."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from ssv_consensus.bus_gossip import BusGossip
from ssv_consensus.clearance import SigningClearance
from ssv_consensus.committee_inbox import CommitteeInbox
from ssv_consensus.committee_journal import CommitteeJournal
from ssv_consensus.committee_node import CommitteeNode
from ssv_consensus.duty_book import CommitteeDuties, DutyBook
from ssv_consensus.duty_id import duty_id
from ssv_consensus.duty_record import DutyRecord
from ssv_consensus.duty_times import DUTY_SLOTS
from ssv_consensus.holding import Holding
from ssv_consensus.instruments import Instruments
from ssv_consensus.lease_keeper import LeaseKeeper
from ssv_consensus.leased_signer import LeasedSigner
from ssv_consensus.ports import BeaconApi, Ports
from ssv_consensus.record_stream import RecordStream
from ssv_consensus.record_wire import record_message
from ssv_consensus.signer_client import SignerClient
from ssv_ethereum.slot_clock import SlotClock
from ssv_protocol.forks import Network
from ssv_protocol.runners.seats import CommitteeSeat
from ssv_protocol.types.ids import MessageId, OperatorId, Slot
from ssv_runtime.bus import Bus
from ssv_runtime.traces import Traces

if TYPE_CHECKING:
    from ssv_api.v1.signer_pb2_grpc import SignerAsyncStub

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Threads:
    """`ports.Offload` on an executor; BLS releases the GIL."""

    executor: Executor

    def __call__(self, work: Callable[[], T]) -> Awaitable[T]:
        """Return what `work` returns."""
        return asyncio.get_running_loop().run_in_executor(self.executor, work)


@dataclass(frozen=True, slots=True)
class Assembly:
    """What all committees of a worker share."""

    network: Network
    clock: SlotClock
    bus: Bus
    book: DutyBook
    beacon: BeaconApi
    signer: SignerClient
    leases: LeaseKeeper
    stub: SignerAsyncStub
    threads: Threads
    records: RecordStream
    instruments: Instruments
    traces: Traces

    def holding(self, seat: CommitteeSeat) -> Holding:
        """Return the committee of `seat`, ready to run."""
        committee = seat.member.committee_id

        def note(operator_id: OperatorId, record: DutyRecord) -> None:
            self.instruments.duty_done(record)
            self.instruments.dropped(node.dropped)
            node.dropped.clear()
            self.records.put(record_message(operator_id, committee, record))

        def span(message_id: MessageId, slot: Slot) -> AbstractContextManager[object]:
            return self.traces.span(duty_id(message_id, slot))

        gossip = BusGossip(
            self.bus, self.network, seat.member.operator_ids, self.clock.now, self.instruments.publication
        )
        node = CommitteeNode(
            seat,
            Ports(
                self.beacon,
                LeasedSigner(committee, self.signer, self.leases),
                gossip,
                self.threads,
                self.clock.now,
                secrets.token_bytes,
                self.instruments.reported,
                self.instruments.duty_failed,
            ),
            CommitteeDuties(self.network, self.book, committee, self.clock.now, DUTY_SLOTS),
            self.clock,
            note,
            clearance=SigningClearance(committee, self.book, self.signer),
            span=span,
        )
        inbox = CommitteeInbox(self.bus, committee, node.deliver)
        journal = CommitteeJournal(committee, self.stub, self.leases, gossip, self.clock, node.deliver)
        return Holding(committee, node, inbox, journal, self.network.chain.slot_duration_s, self.instruments)
