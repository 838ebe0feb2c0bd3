"""From what was seen of a run to its report: everybody who can tell is asked once more at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ssv_devnet.demo.accepted import read_accepted
from ssv_devnet.demo.crashes import Crash
from ssv_devnet.demo.duty_kind import DutyKind
from ssv_devnet.demo.facts import (
    Facts,
    aggregation_facts,
    blinded_slots,
    chain_facts,
    registration_facts,
    registrations_due,
)
from ssv_devnet.demo.footprint import ProcessFootprint
from ssv_devnet.demo.outages import Outage
from ssv_devnet.demo.owner import Owner
from ssv_devnet.demo.report import Exit, Report, report_of
from ssv_devnet.demo.scoreboard import Scoreboard
from ssv_devnet.demo.secrecy import Leak
from ssv_devnet.demo.settings import DemoSettings
from ssv_devnet.demo.signer_kills import SignerKill, needed_votes
from ssv_devnet.interop import interop_secret_key
from ssv_devnet.local_network.world import World
from ssv_devnet.observer import Observation
from ssv_ethereum.beacon.node import BeaconNode
from ssv_ethereum.beacon.validators import NOT_LEAVING


@dataclass(frozen=True, slots=True)
class Counted:
    """The counted slots of a run, as the observer saw them, and what the owner did meanwhile."""

    world: World
    observation: Observation
    owner: Owner
    settings: DemoSettings


async def reckon(
    counted: Counted,
    scoreboard: Scoreboard,
    beacon: BeaconNode,
    *,
    footprints: Sequence[ProcessFootprint],
    crashes: Sequence[Crash],
    kills: Sequence[SignerKill],
    outages: Sequence[Outage],
    found: Sequence[Leak],
) -> Report:
    """Return the report of a run. Raises BeaconError when beacon node or builder do not answer."""
    observation, chain = counted.observation, counted.world.network.chain
    record = await counted.world.builder.record()
    accepted = read_accepted("".join(log.read_text(errors="replace") for log in counted.world.beacon.logs))
    indices = counted.settings.validators
    slots = range(observation.first_slot, observation.last_slot + 1)
    pubkeys = {index: interop_secret_key(index).public_key() for index in indices}
    due = registrations_due(chain, indices, slots, counted.owner.registrations_slot)
    facts = chain_facts(observation)
    facts |= await asyncio.to_thread(aggregation_facts, chain, observation, accepted)
    facts[DutyKind.VALIDATOR_REGISTRATION] = registration_facts(chain, due, pubkeys, record)
    asked = await _exit(counted, beacon)
    facts[DutyKind.VOLUNTARY_EXIT] = _exit_facts(counted, asked)
    report = report_of(
        observation,
        facts,
        scoreboard,
        blinded=blinded_slots(observation, record),
        asked_exit=asked,
        footprints=footprints,
        crashes=crashes,
        outages=outages,
        found=found,
    )
    operator_id = counted.settings.kill_signer
    if operator_id is None:
        return report
    votes = needed_votes(operator_id, kills, observation.due, report.missed, scoreboard)
    return replace(report, signer_kills=list(kills), needed_votes=votes)


async def _exit(counted: Counted, beacon: BeaconNode) -> Exit | None:
    index = counted.owner.leaving
    if index is None:
        return None
    info = (await beacon.validators.by_index([index])).get(index)
    leaves = None if info is None or info.exit_epoch == NOT_LEAVING else info.exit_epoch
    return Exit(index, counted.observation.exits.get(index), leaves)


def _exit_facts(counted: Counted, asked: Exit | None) -> Facts:
    if asked is None or counted.owner.leaving is None or counted.owner.exit_slot is None:
        return Facts(frozenset(), frozenset())
    due = frozenset({(counted.owner.exit_slot, counted.owner.leaving)})
    return Facts(due, due if asked.block_slot is not None else frozenset())
