"""The operator's beacon and execution nodes, looked at before the services start: what can't work is said at once.

Services wait for nodes that are away or syncing, and go on by themselves. A node of another chain, without the contract
or without its history stays so, and a human must choose another one.

Not guaranteed: that a node which is good now is so later; the services go on looking.

Source: architecture §6; beacon-APIs; execution-apis.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from enum import Enum

from ssv_ethereum.beacon.node import BeaconNode
from ssv_ethereum.execution.errors import ExecutionError, HistoryPruned
from ssv_ethereum.execution.node import BlockHeader, ExecutionNode
from ssv_ethereum.execution.pool import PRUNED_REMEDY
from ssv_ethereum.pool.look import look_at
from ssv_ethereum.pool.standing import Standing
from ssv_ethereum.registry_blocks import FIRST_LOGS_WITHIN_BLOCKS, PUBLIC_HEAD_MAX_AGE_S, find_missing_history
from ssv_ethereum.slot_clock import SlotClock
from ssv_protocol.forks import Network
from ssv_protocol.networks import LOCAL, PUBLIC_CHAINS


class Verdict(Enum):
    """What becomes of a node."""

    GOOD = "good"
    WAITED_FOR = "waited for"
    USELESS = "can't be used"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look at a node showed; `text` is the rest of a sentence that begins with the node."""

    node: str
    verdict: Verdict
    text: str

    def __str__(self) -> str:
        return f"{self.node} is {self.verdict.value}: {self.text}"


async def look_at_beacon_nodes(urls: Sequence[str], network: Network) -> list[Finding]:
    """Return what each beacon node is."""
    async with AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(BeaconNode(url)) for url in urls]
        return list(await asyncio.gather(*(_beacon(node, network) for node in nodes)))


async def look_at_execution_nodes(urls: Sequence[str], network: Network, *, needs_history: bool) -> list[Finding]:
    """Return what each execution node is; `needs_history` while the registry has not been read yet."""
    nodes = [ExecutionNode(url) for url in urls]
    try:
        return list(await asyncio.gather(*(_execution(node, network, needs_history) for node in nodes)))
    finally:
        await asyncio.gather(*(node.close() for node in nodes))


async def _beacon(node: BeaconNode, network: Network) -> Finding:
    who = f"beacon node {node.endpoint}"
    look = await look_at(node, network.chain, SlotClock(network.chain).slot())
    if look.standing is Standing.WRONG:
        return Finding(who, Verdict.USELESS, look.problem)
    if look.standing is not Standing.GOOD:
        return Finding(who, Verdict.WAITED_FOR, look.problem)
    return Finding(
        who, Verdict.GOOD, f"{look.version}, of {network.ssv.name}, synced, its head is slot {look.head_slot}"
    )


async def _execution(node: ExecutionNode, network: Network, needs_history: bool) -> Finding:
    who = f"execution node {node.endpoint}"
    try:
        verdict, text = await _judged(node, network, needs_history)
    except HistoryPruned as error:
        verdict, text = Verdict.USELESS, f"{error.problem}: {PRUNED_REMEDY}"
    except ExecutionError as error:
        verdict, text = Verdict.WAITED_FOR, f"{error.request}: {error.problem}"
    return Finding(who, verdict, text)


async def _judged(node: ExecutionNode, network: Network, needs_history: bool) -> tuple[Verdict, str]:
    ssv, expected = network.ssv, PUBLIC_CHAINS.get(network.ssv.name)
    chain_id = await node.chain_id()
    if expected is not None and chain_id != expected.execution_chain_id:
        return Verdict.USELESS, f"is of chain {chain_id}, {ssv.name} is on {expected.execution_chain_id}"
    head = await node.header("latest")
    if (problem := _behind(head, network)) is not None:
        return Verdict.WAITED_FOR, problem
    if not await node.has_code(ssv.registry_contract):
        return Verdict.USELESS, f"has no contract at 0x{ssv.registry_contract.hex()}: is it of {ssv.name}?"
    if needs_history:
        look_blocks = 0 if ssv.name == LOCAL else FIRST_LOGS_WITHIN_BLOCKS
        missing = await find_missing_history(node, ssv.registry_contract, ssv.registry_from_block, look_blocks)
        if missing:
            return Verdict.USELESS, f"{missing}: {PRUNED_REMEDY}"
    history = f", and its logs from block {ssv.registry_from_block} on" if needs_history else ""
    return Verdict.GOOD, f"chain {chain_id}, synced, its head is block {head.number}; it has the contract{history}"


def _behind(head: BlockHeader, network: Network) -> str | None:
    age_s = time.time() - head.timestamp_s
    if network.ssv.name != LOCAL and age_s > PUBLIC_HEAD_MAX_AGE_S:
        return f"its newest block, {head.number}, is {_duration(age_s)} old; it is syncing"
    if head.number < network.ssv.registry_from_block:
        return f"its newest block is {head.number}, the contract begins at {network.ssv.registry_from_block}"
    return None


def _duration(seconds: float) -> str:
    for unit, length_s in (("days", 86_400), ("hours", 3_600)):
        if seconds >= 2 * length_s:
            return f"{seconds / length_s:.0f} {unit}"
    return f"{seconds / 60:.0f} minutes"
