"""What begins in a slot: the duty scheduler's list, turned into duties of machines by the rule set of the slot.

Attestations and sync committee messages of a committee are one duty. Whoever attests may be selected to aggregate, and
whoever sits in the sync committee to contribute: under Alan each of them is a duty of its own, under Boole all of a
slot are one. Proposals, registrations and exits are a validator's own under both.

Source: protocol-core 3.4 to 3.9; SIP "aggregator committee consensus".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ssv_protocol.forks import SsvFork
from ssv_protocol.runners.runner import Duty
from ssv_protocol.types.duty import AggregatorCommitteeDuty, CommitteeDuty, ValidatorDuty
from ssv_protocol.types.ids import Slot
from ssv_protocol.types.roles import BeaconRole


@dataclass(frozen=True, slots=True)
class SlotDuties:
    """What a committee's validators have in one slot; `own` are proposals, registrations and exits."""

    slot: Slot
    attester: tuple[ValidatorDuty, ...] = ()
    sync: tuple[ValidatorDuty, ...] = ()
    own: tuple[ValidatorDuty, ...] = ()


def due_duties(listed: SlotDuties, fork: SsvFork) -> tuple[Duty, ...]:
    """Return the duties that begin in a slot under the rule set of that slot."""
    selectable = (
        *_as(BeaconRole.AGGREGATOR, listed.attester),
        *_as(BeaconRole.SYNC_COMMITTEE_CONTRIBUTION, listed.sync),
    )
    voting = (*listed.attester, *listed.sync)
    due: list[Duty] = [*listed.own]
    if fork is SsvFork.ALAN:
        due += selectable
    elif selectable:
        due.append(AggregatorCommitteeDuty(listed.slot, selectable))
    if voting:
        due.append(CommitteeDuty(listed.slot, voting))
    return tuple(due)


def parts_of(duty: Duty) -> Sequence[ValidatorDuty]:
    """Return the single validators' duties that one consists of."""
    return (duty,) if isinstance(duty, ValidatorDuty) else duty.validator_duties


def _as(role: BeaconRole, duties: Iterable[ValidatorDuty]) -> tuple[ValidatorDuty, ...]:
    return tuple(replace(duty, type=role) for duty in duties)
