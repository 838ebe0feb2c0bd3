"""A committee of four on a fake clock, without a wire and a beacon node: what `bench/qbft.py` measures."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

import looptime

from ssv_consensus.committee_node import CommitteeNode
from ssv_consensus.duty_record import DutyRecord
from ssv_consensus.ports import Handed, Ports
from ssv_devnet.committee.keys import ValidatorKeys, committee_members, split_validators
from ssv_devnet.committee.local_ports import CallGossip, LocalSignerPort
from ssv_devnet.committee.local_signer import LocalSigner
from ssv_devnet.committee.memory_network import MemoryNetwork
from ssv_devnet.simulation.chain import OperatorView, SimulatedChain, simulated_chain
from ssv_ethereum.slot_clock import SlotClock
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.effects import Event, Fetch, Submit
from ssv_protocol.forks import Network
from ssv_protocol.networks import local_network
from ssv_protocol.runners.committee import CommitteeSeat
from ssv_protocol.runners.runner import Duty
from ssv_protocol.types.duty import CommitteeDuty, ValidatorDuty
from ssv_protocol.types.ids import Epoch, ExecutionAddress, Instant, OperatorId, Slot
from ssv_protocol.types.operator import CommitteeMember
from ssv_protocol.types.roles import BeaconRole

T = TypeVar("T")
OPERATORS = tuple(map(OperatorId, (1, 2, 3, 4)))
SLOT_DURATION_S = 12.0
WARM_UP_SLOTS = 3


@dataclass(frozen=True, slots=True)
class Measured:
    """What some duties took; an instance is one slot's duty, done by all four operators."""

    instances: int
    cpu_s: float
    messages: int
    bytes: int


def run_duties(
    validators: list[ValidatorKeys], attesting: int, cpu_s: float, during: AbstractContextManager[object] | None = None
) -> Measured:
    """Run one duty after another for `cpu_s` seconds, in each of which the first `attesting` validators attest.

    `during` is entered for the measured duties and left after them.

    Raises:
        RuntimeError: a duty did not end well in its first round, or a signature does not verify.
    """
    loop = looptime.new_event_loop(noop_cycles=0)
    try:
        committee = _Committee(validators, attesting, lambda: Instant(loop.time()))
        measured: Measured = loop.run_until_complete(committee.run(cpu_s, during or nullcontext()))
    finally:
        loop.close()
    committee.check()
    return measured


def split(count: int) -> list[ValidatorKeys]:
    """Return new validators, split among the four."""
    return split_validators(count, OPERATORS, secrets.token_bytes)


class _Beacon:
    """Duties and attestation data as fast as can be, and what was handed over, to be verified afterwards.

    Epochs have one slot, so that the same validators attest in every slot and nothing is spent on empty ones.
    """

    def __init__(self, validators: list[ValidatorKeys], attesting: int) -> None:
        self.chain = simulated_chain(SLOT_DURATION_S, slots_per_epoch=1, genesis_time_s=0)
        self.world = SimulatedChain(self.chain, {v.index: v.pubkey for v in validators}, seed=0)
        self.submissions: list[Submit] = []
        self._attesting = validators[:attesting]

    async def duties(self, slot: Slot) -> tuple[Duty, ...]:
        duties = [ValidatorDuty(BeaconRole.ATTESTER, v.pubkey, slot, v.index, 0, 64, 1, 0) for v in self._attesting]
        return (CommitteeDuty(slot, tuple(duties)),) if slot > 0 else ()

    async def answer(self, question: Fetch) -> Event:
        return await OperatorView(self.world).answer(question)

    async def submit(self, slot: Slot, work: Submit) -> frozenset[Handed]:
        self.submissions.append(work)
        return frozenset()


class _Committee:
    def __init__(self, validators: list[ValidatorKeys], attesting: int, now: Callable[[], Instant]) -> None:
        self.beacon = _Beacon(validators, attesting)
        self.gossip = MemoryNetwork()
        self.records: list[DutyRecord] = []
        self._attesting = attesting
        self._validators = validators
        self._now = now
        self._network = Network(local_network(ExecutionAddress(bytes(20)), SLOT_DURATION_S), self.beacon.chain)
        keys = {operator_id: _operator_key(operator_id) for operator_id in OPERATORS}
        members = committee_members(keys, self._network.ssv.alan_domain)
        self.nodes = [self._operator(members[operator_id], keys[operator_id]) for operator_id in OPERATORS]

    def _operator(self, member: CommitteeMember, key: OperatorPrivateKey) -> CommitteeNode:
        me = member.operator_id
        signer = LocalSigner(member, self._network, key, self._now)
        shares = {v.index: v.share_of(me, self._network.ssv.alan_domain) for v in self._validators}
        for validator in self._validators:
            signer.add_share(shares[validator.index], validator.secrets[me], Epoch(0))
        node = CommitteeNode(
            CommitteeSeat(member, shares, self._network),
            Ports(
                self.beacon,
                LocalSignerPort(signer, _inline),
                CallGossip(lambda signed: self.gossip.publish(me, signed.encode())),
                _inline,
                self._now,
                secrets.token_bytes,
            ),
            self.beacon,
            SlotClock(self.beacon.chain, self._now),
            lambda _, record: self.records.append(record),
        )
        self.gossip.join(me, node.deliver)
        return node

    async def run(self, cpu_s: float, during: AbstractContextManager[object]) -> Measured:
        tasks = [asyncio.create_task(node.run()) for node in self.nodes]
        # a tenth into a slot: the last duty has ended long ago, the next begins at the third
        await asyncio.sleep((WARM_UP_SLOTS + 0.1) * SLOT_DURATION_S)
        messages, size, instances = self.gossip.messages, self.gossip.bytes, 0
        begin_s = time.process_time()
        with during:
            while (spent_s := time.process_time() - begin_s) < cpu_s:
                await asyncio.sleep(SLOT_DURATION_S)
                instances += 1
        measured = Measured(instances, spent_s, self.gossip.messages - messages, self.gossip.bytes - size)
        await asyncio.sleep(3 * SLOT_DURATION_S)  # until the last duties are on record
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        return measured

    def check(self) -> None:
        if not self.records or any(len(r.submitted) != self._attesting or r.last_round != 1 for r in self.records):
            raise RuntimeError("a duty was not completed in its first round")
        for work in self.beacon.submissions[-len(OPERATORS) :]:
            self.beacon.world.take(work)
        if self.beacon.world.invalid or len(self.beacon.world.attestations) != self._attesting:
            raise RuntimeError(f"bad signatures: {self.beacon.world.invalid}")


@cache
def _operator_key(operator_id: OperatorId) -> OperatorPrivateKey:
    return OperatorPrivateKey.generate()


async def _inline(work: Callable[[], T]) -> T:
    return work()
