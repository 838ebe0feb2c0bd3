"""Run a scenario: a committee of real operators on a made-up chain, a bad network and a fake clock.

Operators, signatures and checks are the real ones; time passes only while everybody waits, so a slot costs what its
cryptography costs. Keys are made once a process, because RSA keys are slow to make.

Not modelled: the time that cryptography takes, and operators that crash and come back.
"""

from __future__ import annotations

import asyncio
import gc
from collections import Counter, defaultdict
from collections.abc import Callable
from functools import cache
from random import Random
from typing import Any, TypeVar

import looptime

from ssv_consensus.committee_node import CommitteeNode
from ssv_consensus.duty_record import DutyRecord
from ssv_consensus.ports import Ports
from ssv_devnet.committee.keys import ValidatorKeys, committee_members, split_validators
from ssv_devnet.committee.local_ports import CallGossip, LocalSignerPort
from ssv_devnet.committee.memory_network import MemoryNetwork
from ssv_devnet.simulation.byzantine import ByzantineOperator
from ssv_devnet.simulation.chain import OperatorView, SimulatedChain, simulated_chain
from ssv_devnet.simulation.forgery import Forger
from ssv_devnet.simulation.scenario import Outcome, Scenario
from ssv_devnet.simulation.weather import WeatherLink
from ssv_devnet.simulation.witness import Witness, WitnessedKey
from ssv_ethereum.slot_clock import SlotClock
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.forks import Network
from ssv_protocol.networks import local_network
from ssv_protocol.runners.committee import CommitteeSeat
from ssv_protocol.types.beacon_vote import BeaconVote
from ssv_protocol.types.ids import Epoch, ExecutionAddress, Instant, OperatorId, Root, Slot
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.operator import CommitteeMember

T = TypeVar("T")
SLOT_DURATION_S = 6.0


def simulate(scenario: Scenario) -> Outcome:
    """Run a scenario to its end; as fast as the cryptography goes."""
    loop = looptime.new_event_loop(noop_cycles=0)  # nothing outside of the loop is ever waited for
    faults: list[Exception] = []
    loop.set_exception_handler(lambda _, context: faults.append(_fault_of(context)))
    try:
        outcome = loop.run_until_complete(_Run(scenario, loop.time).run())
    finally:
        loop.close()
    gc.collect()  # a task that nobody awaited tells its fault when it goes
    if faults:
        raise ExceptionGroup(f"the operators' own code failed, seed {scenario.seed}", faults)
    return outcome


@cache
def operator_key(operator_id: OperatorId) -> OperatorPrivateKey:
    """Return an operator's RSA key, the same one all through the process."""
    return OperatorPrivateKey.generate()


@cache
def validator_keys(count: int, operator_ids: tuple[OperatorId, ...]) -> tuple[ValidatorKeys, ...]:
    """Return validators split among a committee, the same ones all through the process."""
    random = Random(f"{count} validators of {operator_ids}")  # play money
    return tuple(split_validators(count, operator_ids, random.randbytes))


class _Run:
    """The parts of one simulation, put together."""

    def __init__(self, scenario: Scenario, loop_time: Callable[[], float]) -> None:
        chain = simulated_chain(SLOT_DURATION_S, genesis_time_s=0)
        self.scenario = scenario
        no_contract = ExecutionAddress(bytes(20))
        self.network = Network(local_network(no_contract, SLOT_DURATION_S, scenario.boole_epoch), chain)
        self.validators = validator_keys(scenario.validators, scenario.operator_ids)
        self.world = SimulatedChain(
            chain, {v.index: v.pubkey for v in self.validators}, scenario.seed, scenario.moving_duties
        )
        self.witness = Witness()
        self.records: dict[Slot, dict[OperatorId, DutyRecord]] = defaultdict(dict)
        self.now: Callable[[], Instant] = lambda: Instant(loop_time())
        self.link = WeatherLink(scenario.weather, scenario.seed, lambda: chain.slot_at(self.now()))
        self.gossip = MemoryNetwork(self.link)
        self.nodes: dict[OperatorId, CommitteeNode] = {}
        self.byzantine: ByzantineOperator | None = None

    async def run(self) -> Outcome:
        keys = {oid: operator_key(oid) for oid in self.scenario.operator_ids}
        members = committee_members(keys, self.network.ssv.alan_domain)
        for operator_id, member in members.items():
            if operator_id not in self.scenario.dead:
                self._add_operator(self.scenario.seat_of(member), keys[operator_id])
        tasks = [asyncio.create_task(node.run()) for node in self.nodes.values()]
        await asyncio.sleep(self.scenario.slots * SLOT_DURATION_S)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        return Outcome(
            scenario=self.scenario,
            network=self.network,
            world=self.world,
            witness=self.witness,
            records=self.records,
            dropped={oid: node.dropped for oid, node in self.nodes.items()},
            misdeeds=self.byzantine.committed if self.byzantine is not None else Counter(),
            messages=self.gossip.messages,
            lost=self.link.lost,
            duplicated=self.link.duplicated,
        )

    def _add_operator(self, member: CommitteeMember, key: OperatorPrivateKey) -> None:
        scenario, me = self.scenario, member.operator_id
        honest = me in scenario.honest
        random = Random(f"{scenario.seed}/operator/{me}")
        # what a Byzantine operator signs is nobody's concern
        witness = self.witness if honest else Witness()
        signer = scenario.signer(member, self.network, key, self.now, witness)
        shares = {v.index: v.share_of(me, self.network.ssv.alan_domain) for v in self.validators}
        for validator in self.validators:
            note = _noting(witness, me, validator)
            signer.add_share(shares[validator.index], WitnessedKey(validator.secrets[me], note), Epoch(0))
        if honest:
            publish = self._honest_publish(me)
        else:
            forger = Forger(member, key, {v.index: v.secrets[me] for v in self.validators}, random)
            self.byzantine = ByzantineOperator(
                forger, self.gossip, self.network.leader_at, self._vote, misdeeds=scenario.misdeeds, seed=scenario.seed
            )
            publish = self.byzantine.publish
        view = OperatorView(self.world, int(me in scenario.other_head), int(me in scenario.lagging))
        node = CommitteeNode(
            CommitteeSeat(member, shares, self.network),
            Ports(view, LocalSignerPort(signer, _inline), CallGossip(publish), _inline, self.now, random.randbytes),
            self.world,
            SlotClock(self.network.chain, self.now),
            self._note_record,
        )
        self.nodes[me] = node
        self.gossip.join(me, self._deliver_to(node, None if honest else self.byzantine))

    def _vote(self, slot: Slot) -> bytes:
        data = self.world.attestation_data(slot)
        return BeaconVote(data.beacon_block_root, data.source, data.target).encode()

    def _honest_publish(self, me: OperatorId) -> Callable[[SignedSSVMessage], None]:
        return lambda signed: self.gossip.publish(me, signed.encode())

    @staticmethod
    def _deliver_to(node: CommitteeNode, byzantine: ByzantineOperator | None) -> Callable[[bytes], None]:
        if byzantine is None:
            return node.deliver

        def deliver(encoded: bytes) -> None:
            byzantine.overhear(encoded)
            node.deliver(encoded)

        return deliver

    def _note_record(self, operator_id: OperatorId, record: DutyRecord) -> None:
        if operator_id in self.scenario.honest:
            self.records[record.slot][operator_id] = record


def _noting(witness: Witness, operator_id: OperatorId, validator: ValidatorKeys) -> Callable[[Root], None]:
    return lambda root: witness.share_signatures.add((operator_id, validator.index, root))


def _fault_of(context: dict[str, Any]) -> Exception:
    fault = context.get("exception")
    return fault if isinstance(fault, Exception) else RuntimeError(context["message"])


async def _inline(work: Callable[[], T]) -> T:
    return work()
