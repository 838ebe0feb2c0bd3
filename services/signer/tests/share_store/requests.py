"""A request for everything that shares sign, with the roots that the answer must be over."""

from __future__ import annotations

from dataclasses import dataclass, replace

from libs.protocol.tests.types.samples import ELECTRA_ATTESTATION, SIGNATURE, contribution
from services.signer.tests import test_decided_duties as decided
from services.signer.tests import test_pre_consensus as undecided
from tests.support.signer_leases import Draft
from tests.support.signing_world import SigningWorld, Validator

from ssv_protocol.beacon_chain import BeaconFork
from ssv_protocol.signing.objects import pre_consensus_root
from ssv_protocol.types.beacon.attestation import ElectraAggregateAndProof
from ssv_protocol.types.contributions import Contribution, encode_contributions
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import MessageId, Root, Slot
from ssv_protocol.types.message_id import validator_message_id
from ssv_protocol.types.roles import BeaconRole, RunnerRole
from ssv_protocol.types.validator_data import ValidatorConsensusData


@dataclass(frozen=True)
class Wanted:
    """A draft, what must be signed, and the types that the store is shown."""

    draft: Draft
    roots: list[Root]
    types: set[str]


def every_request(world: SigningWorld, validator: Validator, slot: Slot) -> dict[str, Wanted]:
    chain, wanted = world.network.chain, dict[str, Wanted]()
    names = {
        "RANDAO": "RANDAO_REVEAL",
        "SELECTION_PROOF": "AGGREGATION_SLOT",
        "CONTRIBUTION_PROOFS": "SYNC_COMMITTEE_SELECTION_PROOF",
        "VALIDATOR_REGISTRATION": "VALIDATOR_REGISTRATION",
        "VOLUNTARY_EXIT": "VOLUNTARY_EXIT",
    }
    for kind in undecided.ROLES:
        objects = undecided.objects(world, validator, kind, slot)
        roots = [pre_consensus_root(chain, slot, item) for item in objects]
        wanted[kind.name] = Wanted(undecided.draft(world, validator, kind, slot), roots, {names[kind.name]})
    vote = world.vote(slot).encode()
    duties = [validator.duty(slot), validator.duty(slot, BeaconRole.SYNC_COMMITTEE)]
    values: dict[RunnerRole, tuple[bytes, list[ValidatorDuty], set[str]]] = {
        RunnerRole.COMMITTEE: (vote, duties, {"ATTESTATION", "SYNC_COMMITTEE_MESSAGE"}),
        RunnerRole.PROPOSER: (
            decided.block_value(validator, slot),
            [validator.duty(slot, BeaconRole.PROPOSER)],
            {"BLOCK_V2"},
        ),
        RunnerRole.AGGREGATOR: _alan(validator, slot, BeaconRole.AGGREGATOR, "AGGREGATE_AND_PROOF_V2"),
        RunnerRole.SYNC_COMMITTEE_CONTRIBUTION: _alan(
            validator, slot, BeaconRole.SYNC_COMMITTEE_CONTRIBUTION, "SYNC_COMMITTEE_CONTRIBUTION_AND_PROOF"
        ),
    }
    for role, (value, of, types) in values.items():
        draft = decided.request(world, _message_id(world, role, validator, slot), slot, value, of)
        wanted[role.name] = Wanted(draft, decided.expected_roots(world, role, slot, value, of), types)
    return wanted


def _message_id(world: SigningWorld, role: RunnerRole, validator: Validator, slot: Slot) -> MessageId:
    if role == RunnerRole.COMMITTEE:
        return world.message_id(slot)
    return validator_message_id(world.network.domain_at(slot), role, validator.pubkey)


def _alan(
    validator: Validator, slot: Slot, kind: BeaconRole, shown: str
) -> tuple[bytes, list[ValidatorDuty], set[str]]:
    duty = validator.duty(slot, kind)
    attestation = replace(ELECTRA_ATTESTATION, data=replace(ELECTRA_ATTESTATION.data, slot=slot))
    contributions = (replace(contribution(0), slot=slot), replace(contribution(2), slot=slot))
    if kind == BeaconRole.AGGREGATOR:
        data = ElectraAggregateAndProof(validator.index, attestation, SIGNATURE).encode()
    else:
        data = encode_contributions(tuple(Contribution(SIGNATURE, item) for item in contributions))
    return ValidatorConsensusData(duty, BeaconFork.ELECTRA, data).encode(), [duty], {shown}
