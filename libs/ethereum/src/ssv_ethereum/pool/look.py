"""One look at a beacon node: is it of the chain, and up to date?

A node of another network would give answers that look right and be useless, so genesis, the numbers of the chain and
the forks that are in force are compared. A fork that only lies ahead may differ: nodes learn of one before a network
file does; that is said, and the node is used.

Source: beacon-APIs, `getSyncingStatus`, `getGenesis`, `getSpec`, `getNodeVersion`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from ssv_ethereum.beacon.errors import BeaconError
from ssv_ethereum.beacon.node import BeaconNode
from ssv_ethereum.pool.standing import Look, Standing
from ssv_protocol.beacon_chain import BeaconChain, ScheduledFork
from ssv_protocol.types.ids import Epoch, Slot

SYNC_DISTANCE_TOLERANCE = 4
"""Slots that the head of a node in use may be behind by its own account."""
HEAD_TOLERANCE = 1
"""Slots that its head may be behind others': a new block comes to one node a moment later than to another."""


async def look_at(node: BeaconNode, chain: BeaconChain, now: Slot) -> Look:
    """Return what `node` is at slot `now`. Never raises for the node's faults."""
    try:
        version, its_chain, syncing = await asyncio.gather(
            node.status.version(), node.chain.describe(), node.status.syncing()
        )
    except BeaconError as error:
        return Look(Standing.DOWN, f"{error.request}: {error.problem}")
    difference = difference_between(chain, its_chain, chain.epoch_of(now))
    if difference:
        return Look(Standing.WRONG, f"is of another network: {difference}", version)
    problem = ""
    if syncing.is_syncing and syncing.sync_distance > SYNC_DISTANCE_TOLERANCE:
        problem = f"is syncing, {syncing.sync_distance} slots behind"
    elif syncing.is_optimistic:
        problem = "is optimistic: its execution node has not checked the head"
    elif syncing.el_offline:
        problem = "has lost its execution node"
    if problem:
        return Look(Standing.BEHIND, problem, version, syncing.head_slot)
    return Look(Standing.GOOD, "", version, syncing.head_slot)


def compared(looks: Sequence[Look]) -> list[Look]:
    """Return the looks with those as behind whose head is behind the others' without their knowing it."""
    newest = max((look.head_slot or 0 for look in looks if look.standing is Standing.GOOD), default=0)
    return [
        replace(look, standing=Standing.BEHIND, problem=f"its head is of slot {look.head_slot}, another's of {newest}")
        if look.standing is Standing.GOOD and (look.head_slot or 0) + HEAD_TOLERANCE < newest
        else look
        for look in looks
    ]


def difference_between(ours: BeaconChain, its: BeaconChain, now: Epoch) -> str:
    """Return in words what makes two chains different networks in epoch `now`; empty when nothing does."""
    for what, our, their in (
        ("genesis validators root", ours.genesis_validators_root.hex(), its.genesis_validators_root.hex()),
        ("genesis time", ours.genesis_time_s, its.genesis_time_s),
        ("slot time", ours.slot_duration_s, its.slot_duration_s),
        ("slots per epoch", ours.slots_per_epoch, its.slots_per_epoch),
        ("epochs per sync committee period", ours.epochs_per_sync_committee_period,
         its.epochs_per_sync_committee_period),
        ("sync committee size", ours.sync_committee_size, its.sync_committee_size),
        ("forks", _in_force(ours, now), _in_force(its, now)),
    ):  # fmt: skip
        if our != their:
            return f"its {what} is {their}, ours {our}"
    return ""


def _in_force(chain: BeaconChain, now: Epoch) -> str:
    last_of_epoch = {fork.epoch: _named(fork) for fork in chain.forks if fork.epoch <= now}
    return ", ".join(last_of_epoch.values())


def _named(fork: ScheduledFork) -> str:
    return f"{fork.fork.name.lower()} 0x{fork.version.hex()} from epoch {fork.epoch}"
