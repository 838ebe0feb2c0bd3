"""Kills the two signers of one operator in turn with -9, in the middle of what they sign, and says what that cost.

Every second slot from the second counted epoch on, the signer that has just signed the operator's first, or second,
message of the slot's committee duty is killed; the rest of the duty is for the other one, until the supervisor has
started the first again. So each is killed while it is the one in use. Which of them signed its log says.

Promised: nothing is lost. Where as many operators live as make a quorum, each attestation needs every one of them.

Source: architecture §3, §6.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ssv_devnet.demo.duty_kind import DutyKind
from ssv_devnet.demo.missed import MissedDuty
from ssv_devnet.demo.scoreboard import Scoreboard
from ssv_devnet.local_network.operators import LocalOperator
from ssv_devnet.local_network.signer_replicas import SIGNERS
from ssv_devnet.observer import Vote
from ssv_ethereum.slot_clock import SlotClock
from ssv_protocol.types.committee import quorum
from ssv_protocol.types.ids import OperatorId, Slot
from ssv_protocol.types.roles import RunnerRole

EVERY_SLOTS = 2
NEVER = Slot(2**63)
_AFTER_MESSAGES = (1, 2)
"""After the Prepare, after the Commit; a Proposal moves both by one. The last message is the share signatures."""
_COMMITTEE_ROLE = RunnerRole.COMMITTEE.name.lower()
_LOOK_S, _READY_LOOK_S = 0.005, 0.1


@dataclass(slots=True)
class SignerKill:
    """One signer killed. `at_ms` is from the slot's start; `ready_again_s` is None while it is not."""

    signer: str
    slot: Slot
    at_ms: int
    after_messages: int
    ready_again_s: float | None = None


@dataclass(frozen=True, slots=True)
class NeededVotes:
    """Attestations that could not do without the operator: `needed` in slots with a kill, `lost` of them.

    `between` and `lost_between` are those of the other slots from the first kill on, in which signers start again.
    """

    operator_id: OperatorId
    needed: int
    lost: list[MissedDuty] = field(default_factory=list)
    between: int = 0
    lost_between: list[MissedDuty] = field(default_factory=list)


async def kill_in_turn(operator: LocalOperator, clock: SlotClock, slots: range, kills: list[SignerKill]) -> None:
    """Kill a signer in every second of `slots` in which one signs enough; `kills` is filled as they happen."""
    logs = {name: SignerLog(operator.folder.log(name)) for name in SIGNERS}
    recoveries: list[asyncio.Task[None]] = []
    try:
        for number, slot in enumerate(map(Slot, slots[::EVERY_SLOTS])):
            after = _AFTER_MESSAGES[number % len(_AFTER_MESSAGES)]
            await clock.wait_for_slot(slot)
            signer = await _who_signed(logs, clock, slot, after)
            if signer is not None:
                at_ms = round(1000 * (clock.now() - clock.chain.slot_start(slot)))
                kills.append(SignerKill(signer, slot, at_ms, after))
                recoveries.append(asyncio.create_task(_kill(operator, kills[-1])))
        await asyncio.gather(*recoveries)
    finally:
        for task in recoveries:
            task.cancel()
        await asyncio.gather(*recoveries, return_exceptions=True)


def needed_votes(
    operator_id: OperatorId,
    kills: Sequence[SignerKill],
    due: Iterable[Vote],
    missed: Iterable[MissedDuty],
    scoreboard: Scoreboard,
) -> NeededVotes:
    """Return the attestations from the first kill on that needed the operator: all where just a quorum lives."""
    slots, least = {kill.slot for kill in kills}, quorum(len(scoreboard.operators))
    first = min(slots, default=NEVER)
    needed = {vote for vote in due if vote[0] >= first and len(scoreboard.living(vote[0])) == least}
    votes = [duty for duty in missed if duty.kind is DutyKind.ATTESTATION]
    lost = [duty for duty in votes if (duty.slot, duty.validator_index) in needed]
    in_kills = sum(vote[0] in slots for vote in needed)
    return NeededVotes(
        operator_id,
        in_kills,
        [duty for duty in lost if duty.slot in slots],
        len(needed) - in_kills,
        [duty for duty in lost if duty.slot not in slots],
    )


class SignerLog:
    """Reads on in a log of JSON lines."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0

    def signed(self, slot: Slot) -> int:
        """Return how many messages of the slot's committee duty were signed since the last look."""
        with self._path.open("rb") as file:
            file.seek(self._read)
            whole = file.read().rpartition(b"\n")[0]
        self._read += len(whole) + 1 if whole else 0
        return sum(_is_signed(line, slot) for line in whole.splitlines())


def _is_signed(line: bytes, slot: Slot) -> bool:
    try:
        told = json.loads(line)
    except ValueError:  # what a killed process did not finish, or Python's own words
        return False
    return (told.get("event"), told.get("slot"), told.get("role")) == ("signed", slot, _COMMITTEE_ROLE)


async def _who_signed(logs: Mapping[str, SignerLog], clock: SlotClock, slot: Slot, count: int) -> str | None:
    """Wait for a signer to have signed `count` messages in `slot`; None when none has by the slot's end."""
    signed: Counter[str] = Counter()
    while clock.slot() == slot:
        for name, log in logs.items():
            signed[name] += log.signed(slot)
            if signed[name] >= count:
                return name
        await asyncio.sleep(_LOOK_S)
    return None


async def _kill(operator: LocalOperator, kill: SignerKill) -> None:
    """Kill, and note when the signer that is started in its place is ready."""
    service = operator.running.services[kill.signer]
    restarts, killed_at = service.restarts, time.monotonic()
    service.process.kill()
    while service.restarts == restarts or not (await operator.running.readiness())[kill.signer].ready:  # noqa: ASYNC110
        await asyncio.sleep(_READY_LOOK_S)
    kill.ready_again_s = time.monotonic() - killed_at
