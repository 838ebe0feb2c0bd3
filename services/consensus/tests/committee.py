"""A committee of four under a fake clock: real nodes, real signing rules and keys, no wire."""

from __future__ import annotations

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import TypeVar

from services.consensus.tests.fake_time import now

from ssv_consensus.committee_node import CommitteeNode
from ssv_consensus.duty_record import DutyRecord
from ssv_consensus.ports import BeaconApi, Clearance, DutySource, Gossip, Ports, Signer, all_cleared
from ssv_devnet.committee.keys import ValidatorKeys, committee_members, split_validators
from ssv_devnet.committee.local_ports import CallGossip, LocalSignerPort
from ssv_devnet.committee.local_signer import LocalSigner
from ssv_devnet.committee.memory_network import MemoryNetwork
from ssv_devnet.simulation.chain import OperatorView, SimulatedChain, simulated_chain
from ssv_ethereum.slot_clock import SlotClock
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.forks import Network
from ssv_protocol.networks import local_network
from ssv_protocol.runners.committee import CommitteeSeat
from ssv_protocol.types.ids import Epoch, ExecutionAddress, OperatorId, Slot
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.operator import CommitteeMember
from ssv_protocol.types.roles import RunnerRole

T = TypeVar("T")
OPERATORS = tuple(map(OperatorId, (1, 2, 3, 4)))
ONE, TWO, THREE, FOUR = OPERATORS
SLOT_S = 6.0
SLOTS_PER_EPOCH = 2
FIRST_SLOT = Slot(SLOTS_PER_EPOCH)
"""Nobody attests in epoch 0."""


@cache
def operator_key(operator_id: OperatorId) -> OperatorPrivateKey:
    return OperatorPrivateKey.generate()


@cache
def validator_keys() -> tuple[ValidatorKeys, ...]:
    return tuple(split_validators(4, OPERATORS, secrets.token_bytes))


async def inline(work: Callable[[], T]) -> T:
    return work()


class Committee:
    """Nodes are added one by one; `kept` is all that was said, as a gateway would replay it."""

    def __init__(self, delay_s: float = 0.0, boole_epoch: Epoch | None = None) -> None:
        self.chain = simulated_chain(SLOT_S, SLOTS_PER_EPOCH, genesis_time_s=0)
        self.network = Network(local_network(ExecutionAddress(bytes(20)), SLOT_S, boole_epoch), self.chain)
        self.world = SimulatedChain(self.chain, {each.index: each.pubkey for each in validator_keys()}, seed=1)
        self.wire = MemoryNetwork(lambda sender, receiver: (delay_s,))
        self.kept: list[bytes] = []
        self.records: dict[Slot, dict[OperatorId, DutyRecord]] = defaultdict(dict)
        self.others: dict[RunnerRole, list[tuple[OperatorId, DutyRecord]]] = defaultdict(list)
        """Records of every other role, in the order in which they came."""
        self.nodes: dict[OperatorId, CommitteeNode] = {}
        self.running: dict[OperatorId, asyncio.Task[None]] = {}
        keys = {each: operator_key(each) for each in OPERATORS}
        self._members = committee_members(keys, self.network.ssv.alan_domain)
        self._signers = {each: self._signer(each) for each in OPERATORS}

    def member(self, me: OperatorId) -> CommitteeMember:
        return self._members[me]

    def seat(self, me: OperatorId) -> CommitteeSeat:
        shares = {each.index: each.share_of(me, self.network.ssv.alan_domain) for each in validator_keys()}
        return CommitteeSeat(self._members[me], shares, self.network)

    def signer(self, me: OperatorId) -> LocalSignerPort:
        """The operator's signer, the same one all along."""
        return LocalSignerPort(self._signers[me], inline)

    def say(self, me: OperatorId, message: SignedSSVMessage) -> None:
        encoded = message.encode()
        self.kept.append(encoded)
        self.wire.publish(me, encoded)

    def ports(
        self,
        me: OperatorId,
        *,
        signer: Signer | None = None,
        gossip: Gossip | None = None,
        beacon: BeaconApi | None = None,
    ) -> Ports:
        return Ports(
            beacon or OperatorView(self.world),
            signer or self.signer(me),
            gossip or CallGossip(lambda message: self.say(me, message)),
            inline,
            now,
            secrets.token_bytes,
        )

    def node(
        self,
        me: OperatorId,
        ports: Ports | None = None,
        duties: DutySource | None = None,
        clearance: Clearance = all_cleared,
    ) -> CommitteeNode:
        """Put a node together; it is not run and hears nothing yet."""

        def note(operator_id: OperatorId, record: DutyRecord) -> None:
            if record.role is RunnerRole.COMMITTEE:
                self.records[record.slot][operator_id] = record
            else:
                self.others[record.role].append((operator_id, record))

        clock = SlotClock(self.chain, now)
        return CommitteeNode(
            self.seat(me), ports or self.ports(me), duties or self.world, clock, note, clearance=clearance
        )

    def start(self, me: OperatorId, node: CommitteeNode | None = None) -> CommitteeNode:
        node = self.nodes[me] = node or self.node(me)
        self.wire.join(me, node.deliver)
        self.running[me] = asyncio.create_task(node.run())
        return node

    async def kill(self, me: OperatorId) -> None:
        self.wire.leave(me)
        self.running[me].cancel()
        with suppress(asyncio.CancelledError):
            await self.running.pop(me)

    async def __aenter__(self) -> Committee:
        return self

    async def __aexit__(self, *_: object) -> None:
        for me in list(self.running):
            await self.kill(me)

    async def until_slot(self, slot: int, offset_s: float = 0.0) -> None:
        await asyncio.sleep(self.chain.slot_start(Slot(slot)) + offset_s - now())

    def _signer(self, me: OperatorId) -> LocalSigner:
        signer = LocalSigner(self._members[me], self.network, operator_key(me), now)
        for validator in validator_keys():
            share = validator.share_of(me, self.network.ssv.alan_domain)
            signer.add_share(share, validator.secrets[me], Epoch(0))
        return signer
