"""What the protocol promises, and whether it was kept.

A duty is promised to its connected honest operators when there are at least 2f + 1 of them from its slot's start to its
end, two slots later, and the weather is calm all that time: delays under a quarter of a round, nothing lost between
them, no worker restarted. Then

- each of them decides, in round f + 1 at the latest: of f + 1 rounds one is led by an honest operator, and in calm
  weather a round with such a leader decides;
- each of them ends the duty, with everything submitted that it was about, unless the signers must refuse a part of it:
  a second vote in an epoch, or one that surrounds an earlier one;
- votes that are no temptation are included, and so is the block of the slot.

A duty that selects nobody ends without a decision.
"""

from __future__ import annotations

from collections.abc import Iterator

from ssv_devnet.simulation.machines.book import DutyKey
from ssv_devnet.simulation.machines.campaign import DUTY_SLOTS, CampaignResult
from ssv_protocol.runners.runner import Duty
from ssv_protocol.types.committee import faulty_nodes, quorum
from ssv_protocol.types.duty import AggregatorCommitteeDuty, CommitteeDuty, ValidatorDuty, runner_role
from ssv_protocol.types.ids import OperatorId, Slot
from ssv_protocol.types.message_id import committee_message_id, validator_message_id
from ssv_protocol.types.roles import BeaconRole, RunnerRole


def promised_to(result: CampaignResult, slot: Slot) -> frozenset[OperatorId]:
    """Return the connected honest operators to whom the duties of a slot are promised; nobody in bad weather."""
    campaign = result.campaign
    connected = campaign.honest
    for later in range(DUTY_SLOTS):
        of_campaign = Slot(slot + later - result.slots[0])
        if campaign.weather.is_stormy(campaign.seed, of_campaign):
            return frozenset()
        for partition in campaign.weather.partitions:
            if partition.from_slot <= of_campaign < partition.until_slot:
                connected -= partition.cut_off
    return connected if len(connected) >= quorum(campaign.size) else frozenset()


def promised_slots(result: CampaignResult) -> tuple[Slot, ...]:
    """Return the slots whose duties are promised to somebody."""
    return tuple(slot for slot in result.slots if promised_to(result, slot))


def broken_promises(result: CampaignResult) -> list[str]:
    """Find every promise that was not kept."""
    return [fault for slot in result.slots for fault in _broken_in(result, slot, promised_to(result, slot))]


def _broken_in(result: CampaignResult, slot: Slot, promised: frozenset[OperatorId]) -> Iterator[str]:
    if not promised:
        return
    latest = faulty_nodes(result.campaign.size) + 1
    book = result.book
    for duty in result.schedule.duties(slot):
        key = _key(result, duty)
        name = f"{_role(result, duty).name} of slot {slot}"
        for operator_id in sorted(promised):
            round_ = book.rounds.get((operator_id, key))
            finished = (operator_id, key) in book.finished
            if round_ is None and (not finished or _must_decide(duty)):
                yield f"{name}: operator {operator_id} decided nothing"
            elif round_ is not None and round_ > latest:
                yield f"{name}: operator {operator_id} decided in round {round_}, later than {latest}"
            if not finished and not _is_tempting(result, duty):
                yield f"{name}: operator {operator_id} did not end it"
        yield from (f"{name}: {fault}" for fault in _not_on_chain(result, duty))


def _not_on_chain(result: CampaignResult, duty: Duty) -> Iterator[str]:
    beacon, slot = result.beacon, duty.slot
    if isinstance(duty, CommitteeDuty):
        if (slot, beacon.attesting.sync_validator) not in beacon.attesting.sync_included:
            yield "no sync committee message"
        for index in result.schedule.first_votes(slot):
            if (slot, index) not in beacon.attesting.included:
                yield f"no good vote of validator {index}"
    elif (
        isinstance(duty, ValidatorDuty)
        and duty.type == BeaconRole.PROPOSER
        and not beacon.blocks.get((slot, duty.validator_index))
    ):
        yield "no block"


def _is_tempting(result: CampaignResult, duty: Duty) -> bool:
    """Tell whether signers must refuse a part of a duty."""
    schedule = result.schedule
    return isinstance(duty, CommitteeDuty) and schedule.first_votes(duty.slot) != schedule.attesters(duty.slot)


def _must_decide(duty: Duty) -> bool:
    """Tell whether a duty cannot end without a decision."""
    return not isinstance(duty, AggregatorCommitteeDuty) and (
        isinstance(duty, CommitteeDuty) or duty.type != BeaconRole.AGGREGATOR
    )


def _role(result: CampaignResult, duty: Duty) -> RunnerRole:
    if isinstance(duty, ValidatorDuty):
        return runner_role(duty.type, result.network.ssv_fork_at(duty.slot))
    return duty.ROLE


def _key(result: CampaignResult, duty: Duty) -> DutyKey:
    domain, role = result.network.domain_at(duty.slot), _role(result, duty)
    if isinstance(duty, ValidatorDuty):
        return validator_message_id(domain, role, duty.pubkey), duty.slot
    return committee_message_id(domain, role, result.committee), duty.slot
