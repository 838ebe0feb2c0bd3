"""Looks into blocks for the attestations that the workers handed over, and says which are in none.

An attestation may come into a block until the end of the epoch after its own (EIP-7045); when that block is settled and
the vote was seen nowhere, a correction of the duty's record goes to `ssv.decided.<committee>`. A node that can't be
relied on is not believed that there are no blocks: the look waits.

Not guaranteed: votes of before the scheduler's start, or in blocks that a reorganisation of more than `SETTLED_SLOTS`
slots takes away. Two replicas may say the same, which readers take as one.

Source: proto/ssv/v1/exporter.proto; consensus-specs deneb/beacon-chain.md (process_attestation).
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass

from ssv_api.v1.exporter_pb2 import DutyOutcome, DutyRecord
from ssv_duty_scheduler.instruments import Instruments
from ssv_ethereum.beacon.blocks import BlockVotes
from ssv_ethereum.beacon.errors import BeaconError
from ssv_ethereum.beacon.inclusion import Committees, attesters
from ssv_ethereum.pool.asking import NoBeaconNode
from ssv_ethereum.pool.pool import BeaconPool
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.types.ids import Epoch, Slot, ValidatorIndex
from ssv_protocol.types.roles import BeaconRole, RunnerRole
from ssv_runtime.bus import Bus, BusError
from ssv_runtime.nats_permissions import DECIDED

SETTLED_SLOTS = 4
"""How many slots after its own a block is taken as staying."""


@dataclass(frozen=True, slots=True)
class Handed:
    """Whose record said that an attestation was submitted."""

    operator_id: int
    committee_id: bytes


class InclusionWatch:
    """Remembers what was handed over until it is seen in a block or can't come any more."""

    def __init__(self, pool: BeaconPool, bus: Bus, instruments: Instruments) -> None:
        self._pool = pool
        self._chain = pool.chain
        self._bus = bus
        self._instruments = instruments
        self._open: dict[Slot, dict[ValidatorIndex, Handed]] = {}
        self._committees: dict[Slot, Committees] = {}
        self._next: Slot | None = None
        self._untold: deque[DutyRecord] = deque()

    def record_seen(self, record: DutyRecord) -> None:
        """Take a worker's record."""
        if record.correction or record.role != RunnerRole.COMMITTEE:
            return
        handed = {
            ValidatorIndex(each.validator_index): Handed(record.operator_id, record.committee_id)
            for each in record.outcomes
            if each.submitted and each.duty_type == BeaconRole.ATTESTER
        }
        if handed:
            slot = Slot(record.slot)
            self._open.setdefault(slot, {}).update(handed)
            self._next = Slot(min(slot + 1, slot + 1 if self._next is None else self._next))

    async def look(self, slot: Slot) -> None:
        """Look into the blocks that are settled in `slot`; what can't be had now is looked at later."""
        self._forget(self._chain.epoch_of(slot))
        try:
            while self._open and self._next is not None and self._next + SETTLED_SLOTS <= slot:
                await self._look_into(self._next)
                self._next = Slot(self._next + 1)
                self._judge(self._next)
            await self._tell()
        except BeaconError as error:
            self._instruments.log.debug("blocks can't be looked at now", slot=self._next, reason=str(error))
        except BusError as error:
            self._instruments.log.debug("a correction waits for the bus", reason=str(error))
        if not self._open:
            self._next = None

    async def _look_into(self, slot: Slot) -> None:
        with self._instruments.fetching("block"):
            votes = await self._pool.first(lambda node: node.blocks.votes(slot), good=lambda found: found is not None)
        if votes is not None:
            await self._strike_out(votes)
        elif (problem := self._pool.problem()) is not None:
            raise NoBeaconNode(problem)  # it may not know the block yet

    async def _strike_out(self, votes: BlockVotes) -> None:
        for vote in votes.attestations:
            wanted = self._open.get(vote.slot)
            if wanted:
                try:
                    seen = attesters(vote, await self._committees_of(vote.slot))
                except ValueError as error:  # of another branch than the node's head by now
                    self._instruments.log.debug("a vote fits no committee", slot=vote.slot, reason=str(error))
                    self._committees.pop(vote.slot, None)
                    continue
                self._open[vote.slot] = {index: each for index, each in wanted.items() if index not in seen}

    async def _committees_of(self, slot: Slot) -> Committees:
        if slot not in self._committees:
            with self._instruments.fetching("committees"):
                found = await self._pool.first(lambda node: node.duties.committees_at(self._chain.epoch_of(slot), slot))
            self._committees[slot] = {each.index: each.members for each in found}
        return self._committees[slot]

    def _judge(self, following: Slot) -> None:
        """Say of whom no block holds the vote; the blocks before `following` were looked at."""
        for slot in [slot for slot in self._open if self._last_block(slot) < following]:
            missed: Mapping[Handed, list[ValidatorIndex]] = defaultdict(list)
            for index, each in self._open.pop(slot).items():
                missed[each].append(index)
            self._committees.pop(slot, None)
            for each, indices in missed.items():
                self._untold.append(_correction(slot, each, indices))
                self._instruments.not_included(slot, indices)

    def _last_block(self, slot: Slot) -> Slot:
        return Slot(self._chain.first_slot(Epoch(self._chain.epoch_of(slot) + 2)) - 1)

    async def _tell(self) -> None:
        while self._untold:
            record = self._untold[0]
            await self._bus.publish_stream(f"{DECIDED}.{record.committee_id.hex()}", record.SerializeToString())
            self._untold.popleft()

    def _forget(self, now: Epoch) -> None:
        """Let go of what nobody can tell any more: no node knows committees of so long ago."""
        for slot in [slot for slot in self._open if self._chain.epoch_of(slot) + 3 < now]:
            del self._open[slot]
            self._committees.pop(slot, None)


def _correction(slot: Slot, handed: Handed, indices: list[ValidatorIndex]) -> DutyRecord:
    return DutyRecord(
        operator_id=handed.operator_id,
        committee_id=handed.committee_id,
        role=RunnerRole.COMMITTEE,
        slot=slot,
        correction=True,
        outcomes=[
            DutyOutcome(
                validator_index=index,
                duty_type=BeaconRole.ATTESTER,
                missed_reason=MissedReason.NOT_INCLUDED,
            )
            for index in sorted(indices)
        ],
    )
