"""One operator of the demo: its registry from the contract's logs, its shares, its own clients, its node."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from concurrent.futures import Executor
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from ssv_consensus.beacon_port import BeaconNodePort
from ssv_consensus.committee_node import CommitteeNode
from ssv_consensus.duty_record import DutyRecord
from ssv_consensus.ports import Ports
from ssv_devnet.committee.duty_source import BeaconDutySource
from ssv_devnet.committee.local_ports import CallGossip, LocalSignerPort
from ssv_devnet.committee.local_signer import LocalSigner
from ssv_devnet.committee.memory_network import MemoryNetwork
from ssv_ethereum.beacon.events import HeadEvent, Topic
from ssv_ethereum.beacon.node import BeaconNode
from ssv_ethereum.execution import ExecutionClient
from ssv_ethereum.registry_blocks import follow_registry
from ssv_ethereum.slot_clock import SlotClock
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.errors import ProtocolError, SsvError
from ssv_protocol.forks import Network
from ssv_protocol.registry.apply import apply_block
from ssv_protocol.registry.committees import committee_member, share_of
from ssv_protocol.registry.own_share import own_share
from ssv_protocol.registry.state import RegistryState, ValidatorRecord
from ssv_protocol.runners.committee import CommitteeSeat
from ssv_protocol.types.ids import Epoch, OperatorId, Slot
from ssv_protocol.types.operator import CommitteeMember

_log = logging.getLogger(__name__)
_POLL_INTERVAL_S = 0.2
T = TypeVar("T")


class OperatorSetupError(SsvError):
    """An operator cannot start; the text says why and what to look at."""


@dataclass(frozen=True, slots=True)
class World:
    """What all operators share: the networks and what happens to a duty's record."""

    network: Network
    beacon_url: str
    execution_url: str
    gossip: MemoryNetwork
    executor: Executor
    on_record: Callable[[OperatorId, DutyRecord], None]


@dataclass(slots=True)
class RunningOperator:
    """An operator at work; `kill` ends it as a crash would: no goodbye, nothing finished."""

    operator_id: OperatorId
    node: CommitteeNode
    may_sign_from_epoch: Epoch
    _gossip: MemoryNetwork
    _tasks: list[asyncio.Task[None]]

    async def kill(self) -> None:
        """Stop the operator at once. May be called again."""
        self._gossip.leave(self.operator_id)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def read_registry(url: str, network: Network) -> RegistryState:
    """Return the registry as the contract's logs tell it, up to the present head."""
    state = RegistryState()
    async with ExecutionClient(url) as client:
        updates = follow_registry(
            client,
            network.ssv.registry_contract,
            network.ssv.registry_from_block,
            follow_distance=0,
            poll_interval_s=_POLL_INTERVAL_S,
        )
        async for update in updates:
            state, _, skipped = apply_block(state, update.block_number, update.block_hash, update.logs)
            for item in skipped:
                _log.warning("block %s: event skipped, %s: %s", update.block_number, item.reason, item.detail)
            if update.blocks_behind == 0:
                return state
    raise OperatorSetupError("the contract's blocks ended early")


@asynccontextmanager
async def running_operator(world: World, operator_key: OperatorPrivateKey) -> AsyncGenerator[RunningOperator, None]:
    """Start the operator that holds this RSA key; it learns its id, committee and shares from the chain.

    Raises:
        OperatorSetupError: the key is not registered, or has no validators.
    """
    async with BeaconNode(world.beacon_url) as beacon:
        await beacon.status.wait_until_ready()
        clock = SlotClock(world.network.chain)
        registry = await read_registry(world.execution_url, world.network)
        member, records = _own_committee(registry, operator_key, world.network)
        signer = LocalSigner(member, world.network, operator_key, clock.now)
        infos = await beacon.validators.by_pubkey([record.public_key for record in records])
        epoch = world.network.chain.epoch_of(clock.slot())
        shares = {}
        for record in records:
            if record.public_key not in infos:
                _log.warning("validator 0x%s is not on the beacon chain yet: not run", record.public_key.hex())
                continue
            index = infos[record.public_key].index
            share = share_of(registry, record, member.operator_id, index, member.domain)
            try:
                secret = own_share(record, member.operator_id, operator_key)
            except ProtocolError as error:
                _log.error("operator %s, validator %s: %s", member.operator_id, index, error)
                continue
            signer.add_share(share, secret, epoch)
            shares[index] = share
        may_sign_from_epoch = Epoch(epoch + 1)  # the bump forbids the current one
        threads = _Threads(world.executor)
        ports = Ports(
            BeaconNodePort(beacon, world.network.chain),
            LocalSignerPort(signer, threads),
            CallGossip(lambda signed: world.gossip.publish(member.operator_id, signed.encode())),
            threads,
            clock.now,
            secrets.token_bytes,
        )
        duties = BeaconDutySource(beacon, world.network.chain, shares, may_sign_from_epoch)
        node = CommitteeNode(CommitteeSeat(member, shares, world.network), ports, duties, clock, world.on_record)
        world.gossip.join(member.operator_id, node.deliver)
        tasks = [asyncio.create_task(node.run()), asyncio.create_task(_watch_heads(beacon, node))]
        operator = RunningOperator(member.operator_id, node, may_sign_from_epoch, world.gossip, tasks)
        try:
            yield operator
        finally:
            await operator.kill()


def _own_committee(
    registry: RegistryState, key: OperatorPrivateKey, network: Network
) -> tuple[CommitteeMember, list[ValidatorRecord]]:
    """Return the operator's seat and the validators of its committee; the demo has one committee."""
    own = registry.operator_with_key(key.public_pem())
    if own is None:
        raise OperatorSetupError(
            "this operator key is not in the registry: register it, or look at the contract address"
        )
    records = registry.validators_of(own.operator_id)
    if not records:
        raise OperatorSetupError(f"operator {own.operator_id} has no validators: register some with its id")
    member = committee_member(registry, own.operator_id, records[0].operator_ids, network.ssv.alan_domain)
    return member, [record for record in records if record.committee_id == member.committee_id]


async def _watch_heads(beacon: BeaconNode, node: CommitteeNode) -> None:
    async with aclosing(beacon.events.listen([Topic.HEAD])) as events:
        async for event in events:
            if isinstance(event, HeadEvent):
                node.head_seen(Slot(event.slot))


@dataclass(frozen=True, slots=True)
class _Threads:
    """`ssv_consensus.ports.Offload` on an executor; BLS and RSA release the GIL."""

    executor: Executor

    def __call__(self, work: Callable[[], T]) -> Awaitable[T]:
        return asyncio.get_running_loop().run_in_executor(self.executor, work)
