"""Is there such a duty, and may there be so many (rules 22, 23, 45, 47, 58, 60)?

What is not known is ignored, with the one exception that the network makes: RANDAO signatures come with the epoch's
first slot, which may be before a node has learned the epoch's proposers.

Source: ssvlabs/ssv message/validation (beacon duty, duty count).
"""

from __future__ import annotations

from ssv_protocol.registry.event_duties import event_duty_slot
from ssv_protocol.types.ids import Epoch, Slot
from ssv_protocol.types.message_id import COMMITTEE_ROLES
from ssv_protocol.types.roles import RunnerRole
from ssv_protocol.validation.directory import KnownValidator
from ssv_protocol.validation.history import MessageHistory
from ssv_protocol.validation.incoming import Incoming
from ssv_protocol.validation.verdict import GossipReason, Refusal, refuse

_MOST_AGGREGATIONS = 2
"""One, and another when the epoch's duties change under way; as a committee's, whose limit is twice its validators."""
_MOST_REGISTRATIONS = 2


def check_validator(incoming: Incoming) -> Refusal | None:
    """Check that the validator of the duty attests now (22, 23)."""
    if incoming.validator is None:
        return None
    known = incoming.beacon.validators.get(incoming.validator.public_key)
    if known is None:
        return refuse(GossipReason.NO_INDEX, incoming.validator.public_key.hex())
    now = incoming.chain.epoch_of(incoming.chain.slot_at(incoming.at))
    return None if known.attests_in(now) else refuse(GossipReason.NOT_ATTESTING, f"{known.index}")


def check_duty(incoming: Incoming, *, randao: bool) -> Refusal | None:
    """Check that the validator has this proposal or this seat in the sync committee (45, 58)."""
    validator = incoming.validator
    if validator is None:
        return None
    if incoming.role is RunnerRole.PROPOSER:
        return _check_proposal(incoming, validator, randao=randao)
    if incoming.role is RunnerRole.SYNC_COMMITTEE_CONTRIBUTION:
        return _check_seat(incoming, validator)
    return None


def check_count_in_epoch(incoming: Incoming, past: MessageHistory) -> Refusal | None:
    """Check that no signer has more duties in the epoch than there can be (47, 60)."""
    most = _most_duties(incoming)
    if most is None:
        return None
    for signer in incoming.signed.operator_ids:
        slots = {slot for slot in past.slots_of(signer) if incoming.chain.epoch_of(slot) == incoming.epoch}
        if len(slots | {incoming.slot}) > most:
            return refuse(GossipReason.TOO_MANY_DUTIES, f"{signer} has had {len(slots)}, at most {most}")
    return None


def _check_proposal(incoming: Incoming, validator: KnownValidator, *, randao: bool) -> Refusal | None:
    duties = incoming.beacon.duties.get(incoming.epoch)
    if duties is None:
        first = incoming.chain.first_slot(incoming.epoch) == incoming.slot
        in_time = incoming.chain.slot_at(incoming.at) <= incoming.slot
        return None if randao and first and in_time else refuse(GossipReason.DUTIES_UNKNOWN, f"epoch {incoming.epoch}")
    known = incoming.beacon.validators.get(validator.public_key)
    found = known is not None and (incoming.slot, known.index) in duties.proposals
    return None if found else refuse(GossipReason.NO_DUTY, f"no proposal at {incoming.slot}")


def _check_seat(incoming: Incoming, validator: KnownValidator) -> Refusal | None:
    sits = _sits(incoming, (validator.public_key,))
    if sits is None:
        return refuse(GossipReason.DUTIES_UNKNOWN, f"epoch {incoming.epoch}")
    return None if sits else refuse(GossipReason.NO_DUTY, "no seat in the sync committee")


def _sits(incoming: Incoming, keys: tuple[bytes, ...]) -> bool | None:
    """Tell whether one of the validators sits in the sync committee of the slot; None when that is not known."""
    # in the last slot of a period those who sign are of the next one
    chain = incoming.chain
    epochs = {incoming.epoch, chain.epoch_of(Slot(incoming.slot + 1))}
    known = [duties for epoch in epochs if (duties := incoming.beacon.duties.get(Epoch(epoch))) is not None]
    validators = incoming.beacon.validators
    indices = {validators[key].index for key in keys if key in validators}  # type: ignore[index]
    if any(not indices.isdisjoint(duties.sync_committee) for duties in known):
        return True
    return False if len(known) == len(epochs) and len(indices) == len(keys) else None


def _most_duties(incoming: Incoming) -> int | None:
    """Return how many duties of the role a signer can have in an epoch; None where there is no limit."""
    role = incoming.role
    if role in COMMITTEE_ROLES:
        slots = incoming.chain.slots_per_epoch
        validators = incoming.committee.validators
        if 2 * len(validators) >= slots or _sits(incoming, validators) is not False:
            return slots
        return 2 * len(validators)
    if role is RunnerRole.AGGREGATOR:
        return _MOST_AGGREGATIONS
    if role is RunnerRole.VALIDATOR_REGISTRATION:
        return _MOST_REGISTRATIONS
    if role is RunnerRole.VOLUNTARY_EXIT:
        return int(_exit_was_asked(incoming))
    return None


def _exit_was_asked(incoming: Incoming) -> bool:
    request = None if incoming.validator is None else incoming.validator.exit_request
    return request is not None and event_duty_slot(incoming.chain, request) == incoming.slot
