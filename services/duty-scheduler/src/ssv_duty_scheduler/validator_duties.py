"""The duties that a validator has alone in an epoch: proposals, registrations with builders, voluntary exits.

Every operator of a committee must choose the same slots, so these hang on nothing but the chain:

    proposal        the beacon node's word
    registration    in every `REGISTRATION_PERIOD_EPOCHS` once, in a slot given by the validator's index;
                    and `EVENT_DUTY_SLOTS` after the block in which its owner's fee recipient changed
    exit            `EVENT_DUTY_SLOTS` after the block in which its owner asked for it

Who reads the contract some blocks behind the head learns of a block after the slot that hangs on it, and may be in the
next epoch then; such a duty is long open, and `event_duties` tells which ones there are. Registrations are for those
who attest then or soon; an exit is for whoever has an index, and the beacon node knows whether it may leave.

Not guaranteed: that a validator which was registered after the change leaves out the registration for it.

Source: ssvlabs/ssv operator/duties (validator_registration, voluntary_exit), operator/validator.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from ssv_duty_scheduler.knowledge import EpochDuties, Known
from ssv_ethereum.beacon.validators import ValidatorInfo
from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.registry.event_duties import event_duty_slot
from ssv_protocol.registry.state import ChainMoment, ValidatorRecord
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import Epoch, Slot
from ssv_protocol.types.roles import BeaconRole

REGISTRATION_PERIOD_EPOCHS = 10

_ATTESTING = frozenset({"active_ongoing", "active_exiting"})
_PENDING = "pending_queued"


@dataclass(frozen=True, slots=True)
class DutyRules:
    """What besides the chain's state decides on duties."""

    chain: BeaconChain
    builder_registrations: bool = True


def validator_duties(
    rules: DutyRules, known: Known, records: Collection[ValidatorRecord], duties: EpochDuties
) -> list[ValidatorDuty]:
    """Return the duties of `records`, of which beacon index and share are known, by slot, type and index."""
    found = {*_proposals(records, duties), *event_duties(rules, known, records, duties.epoch)}
    if rules.builder_registrations:
        found.update(_regular_registrations(rules.chain, known, records, duties.epoch))
    return in_order(found)


def event_duties(
    rules: DutyRules, known: Known, records: Collection[ValidatorRecord], epoch: Epoch
) -> list[ValidatorDuty]:
    """Return the duties of `epoch` that contract events asked for, in the same order."""
    found = {*_exits(rules.chain, known, records, epoch)}
    if rules.builder_registrations:
        found.update(_new_registrations(rules.chain, known, records, epoch))
    return in_order(found)


def in_order(duties: Iterable[ValidatorDuty]) -> list[ValidatorDuty]:
    """Return the duties by slot, type and index."""
    return sorted(duties, key=lambda duty: (duty.slot, duty.type, duty.validator_index))


def _proposals(records: Collection[ValidatorRecord], duties: EpochDuties) -> Iterator[ValidatorDuty]:
    own = {record.public_key for record in records}
    for duty in duties.proposer.duties if duties.proposer is not None else ():
        if duty.pubkey in own:
            yield ValidatorDuty(BeaconRole.PROPOSER, duty.pubkey, duty.slot, duty.validator_index)


def _regular_registrations(
    chain: BeaconChain, known: Known, records: Collection[ValidatorRecord], epoch: Epoch
) -> Iterator[ValidatorDuty]:
    period_slots = REGISTRATION_PERIOD_EPOCHS * chain.slots_per_epoch
    first = chain.first_slot(epoch)
    for record in records:
        info = known.infos[record.public_key]
        slot = Slot(first + (info.index - first) % period_slots)
        if chain.epoch_of(slot) == epoch and _attests_soon(info, epoch):
            yield _duty(BeaconRole.VALIDATOR_REGISTRATION, info, slot)


def _new_registrations(
    chain: BeaconChain, known: Known, records: Collection[ValidatorRecord], epoch: Epoch
) -> Iterator[ValidatorDuty]:
    for record in records:
        info = known.infos[record.public_key]
        owner = known.view.state.recipients.get(record.owner)
        slot = _event_slot(chain, owner.changed if owner is not None else None, epoch)
        if slot is not None and _attests_soon(info, epoch):
            yield _duty(BeaconRole.VALIDATOR_REGISTRATION, info, slot)


def _exits(
    chain: BeaconChain, known: Known, records: Collection[ValidatorRecord], epoch: Epoch
) -> Iterator[ValidatorDuty]:
    for record in records:
        slot = _event_slot(chain, record.exit_request, epoch)
        if slot is not None:
            yield _duty(BeaconRole.VOLUNTARY_EXIT, known.infos[record.public_key], slot)


def _event_slot(chain: BeaconChain, moment: ChainMoment | None, epoch: Epoch) -> Slot | None:
    """Return the slot of the duty that an event asks for if it is one of `epoch`."""
    if moment is None:
        return None
    slot = event_duty_slot(chain, moment)
    return slot if chain.epoch_of(slot) == epoch else None


def _attests_soon(info: ValidatorInfo, epoch: Epoch) -> bool:
    """Return whether the validator attests before its next registration is due."""
    activated = info.activation_epoch <= epoch + REGISTRATION_PERIOD_EPOCHS
    return info.status in _ATTESTING or (info.status == _PENDING and activated)


def _duty(role: BeaconRole, info: ValidatorInfo, slot: Slot) -> ValidatorDuty:
    return ValidatorDuty(role, info.pubkey, slot, info.index)
