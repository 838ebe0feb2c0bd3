"""The values of the bucket `duties`, made of what registry, signer and beacon node said.

    <epoch>.<committee id, hex>     CommitteeDuties of an own committee
    <epoch>.network                 NetworkDuties: proposals and sync committee seats of all SSV validators
    <epoch>.network.<hex digit>     KnownValidators: indices of those whose public key ends with the digit

The first two stay small however many validators there are; the third has sixteen parts, of which the bus carries each
up to 2.5 million validators in all.

Pure and deterministic: the same knowledge gives the same bytes, so that replicas agree and nothing is written twice.
Left out are liquidated validators and those that the beacon chain does not know or the signer does not hold. Every own
committee has a value, if need be an empty one: readers can tell "no duties" from "not known yet". Only proposals may be
missing from it, since not every node knows the next epoch's: the value is written again when they are known.

Source: proto/ssv/v1/duties.proto; architecture §3.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ssv_api.v1 import duties_pb2 as pb
from ssv_duty_scheduler.knowledge import EpochDuties, Known
from ssv_duty_scheduler.validator_duties import DutyRules, event_duties, in_order, validator_duties
from ssv_ethereum.beacon.duties import AttesterDuty, ProposerDuties, SyncDuty
from ssv_ethereum.beacon.validators import NOT_LEAVING, ValidatorInfo
from ssv_protocol.types.duty import MAX_SYNC_COMMITTEE_INDICES, ValidatorDuty
from ssv_protocol.types.ids import BlsPublicKey, CommitteeId, Epoch, Root, Slot
from ssv_protocol.types.roles import BeaconRole

NETWORK = "network"
PARTS = 16
NOT_DECIDED = NOT_LEAVING
"""The activation epoch of a validator that still waits for one is FAR_FUTURE_EPOCH too."""


def is_settled(known: Known, duties: EpochDuties) -> bool:
    """Return whether all that concerns own committees in the epoch is known."""
    return known.may_sign_from is not None and duties.attester is not None and duties.sync is not None


def values_of(known: Known, duties: EpochDuties, rules: DutyRules) -> dict[str, bytes]:
    """Return the values that are complete, by key."""
    return {
        **committee_values(known, duties, rules),
        **network_value(known, duties),
        **(known_validators(known, [duties.epoch]) if knows_network(duties) else {}),
    }


def committee_values(known: Known, duties: EpochDuties, rules: DutyRules) -> dict[str, bytes]:
    """Return the values of the own committees, none while they are not complete."""
    if known.may_sign_from is None or duties.attester is None or duties.sync is None:
        return {}
    attests = {duty.pubkey: duty for duty in duties.attester.duties}
    sits = {seat.pubkey: seat for seat in duties.sync}
    values = {}
    for committee, records in known.own_committees().items():
        own = [_own_validator(known, record.public_key, duties.epoch) for record in records]
        value = _committee(duties.epoch, committee, own, duties.attester.dependent_root, attests, sits)
        value.validator_duties.extend(duty.encode() for duty in validator_duties(rules, known, records, duties))
        values[key_of(duties.epoch, committee)] = value.SerializeToString(deterministic=True)
    return values


def knows_network(duties: EpochDuties) -> bool:
    """Return whether all is known of the epoch that gossip validation needs."""
    return duties.sync is not None and duties.proposer is not None


def network_value(known: Known, duties: EpochDuties) -> dict[str, bytes]:
    """Return the value of the network, none while it is not complete."""
    if duties.sync is None or duties.proposer is None:
        return {}
    network = _network(known, duties.epoch, duties.sync, duties.proposer)
    return {f"{duties.epoch}.{NETWORK}": network.SerializeToString(deterministic=True)}


def known_validators(known: Known, epochs: Collection[Epoch]) -> dict[str, bytes]:
    """Return the values of every part for all `epochs`, if need be empty ones."""
    parts: list[list[ValidatorInfo]] = [[] for _ in range(PARTS)]
    registered = known.view.state.validators
    for key, info in known.infos.items():
        if key in registered:
            parts[key[-1] % PARTS].append(info)
    values = {}
    for number, infos in enumerate(parts):
        part = pb.KnownValidators(validators=map(_known_validator, sorted(infos, key=lambda info: info.index)))
        for epoch in epochs:
            part.epoch = epoch
            values[f"{epoch}.{NETWORK}.{number:x}"] = part.SerializeToString(deterministic=True)
    return values


def concerns_network(key: str) -> bool:
    """Tell whether a key is of all SSV validators, not of a committee."""
    return key.split(".")[1] == NETWORK


def key_of(epoch: Epoch, committee: CommitteeId) -> str:
    """Return the key of a committee's duties."""
    return f"{epoch}.{committee.hex()}"


def amended(key: str, value: bytes | None, duties: Collection[ValidatorDuty]) -> bytes | None:
    """Return a committee's value with `duties` among those of single validators, or None if it has them all."""
    epoch, _, committee = key.partition(".")
    parsed = pb.CommitteeDuties(epoch=int(epoch), committee_id=bytes.fromhex(committee))
    if value is not None:
        parsed = pb.CommitteeDuties.FromString(value)
    held = set(map(ValidatorDuty.decode, parsed.validator_duties))
    if held.issuperset(duties):
        return None
    parsed.validator_duties[:] = [duty.encode() for duty in in_order(held.union(duties))]
    return parsed.SerializeToString(deterministic=True)


def late_duties(known: Known, epoch: Epoch, rules: DutyRules) -> dict[str, list[ValidatorDuty]]:
    """Return by key the duties of an epoch which is over that contract events asked for, and may be known only now."""
    found = {
        key_of(epoch, committee): event_duties(rules, known, records, epoch)
        for committee, records in known.own_committees().items()
    }
    return {key: duties for key, duties in found.items() if duties}


def empty_value(key: str) -> bytes:
    """Return the value of a committee key whose committee is an own one no longer."""
    epoch, _, committee = key.partition(".")
    value = pb.CommitteeDuties(epoch=int(epoch), committee_id=bytes.fromhex(committee))
    return value.SerializeToString(deterministic=True)


def _committee(
    epoch: Epoch,
    committee: CommitteeId,
    own: Collection[pb.OwnValidator],
    dependent_root: Root,
    attests: Mapping[BlsPublicKey, AttesterDuty],
    sits: Mapping[BlsPublicKey, SyncDuty],
) -> pb.CommitteeDuties:
    keys = [BlsPublicKey(validator.public_key) for validator in own]
    attestations = sorted(
        (attests[key] for key in keys if key in attests), key=lambda duty: (duty.slot, duty.validator_index)
    )
    seats = sorted((sits[key] for key in keys if key in sits), key=lambda seat: seat.validator_index)
    return pb.CommitteeDuties(
        epoch=epoch,
        committee_id=committee,
        dependent_root=dependent_root,
        validators=sorted(own, key=lambda validator: validator.index),
        attester=[_attestation(duty).encode() for duty in attestations],
        sync_committee=[_sync_message(seat).encode() for seat in seats],
    )


def _own_validator(known: Known, key: BlsPublicKey, epoch: Epoch) -> pb.OwnValidator:
    may_sign_from = max((known.may_sign_from or {})[key], epoch + 1 if key in known.waiting else 0)
    return pb.OwnValidator(index=known.infos[key].index, public_key=key, may_sign_from_epoch=may_sign_from)


def _attestation(duty: AttesterDuty) -> ValidatorDuty:
    return ValidatorDuty(
        BeaconRole.ATTESTER,
        duty.pubkey,
        duty.slot,
        duty.validator_index,
        duty.committee_index,
        duty.committee_length,
        duty.committees_at_slot,
        duty.position,
    )


def _sync_message(seat: SyncDuty) -> ValidatorDuty:
    return ValidatorDuty(
        BeaconRole.SYNC_COMMITTEE,
        seat.pubkey,
        Slot(0),
        seat.validator_index,
        # one message stands for all seats, so a validator with more than the type can name loses nothing
        validator_sync_committee_indices=seat.positions[:MAX_SYNC_COMMITTEE_INDICES],
    )


def _network(known: Known, epoch: Epoch, sync: Collection[SyncDuty], proposer: ProposerDuties) -> pb.NetworkDuties:
    def is_registered(key: BlsPublicKey) -> bool:
        return key in known.infos and key in known.view.state.validators

    return pb.NetworkDuties(
        epoch=epoch,
        proposers=[
            pb.ProposerDuty(slot=duty.slot, validator_index=duty.validator_index)
            for duty in sorted(proposer.duties, key=lambda duty: duty.slot)
            if is_registered(duty.pubkey)
        ],
        sync_committee_validators=sorted(seat.validator_index for seat in sync if is_registered(seat.pubkey)),
    )


def _known_validator(info: ValidatorInfo) -> pb.KnownValidator:
    validator = pb.KnownValidator(index=info.index, public_key=info.pubkey)
    if info.activation_epoch != NOT_DECIDED:
        validator.activation_epoch = info.activation_epoch
    if info.exit_epoch != NOT_LEAVING:
        validator.exit_epoch = info.exit_epoch
    return validator
