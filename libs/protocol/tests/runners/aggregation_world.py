"""What the tests of aggregation and contribution runners share: duties, proofs, answers of a beacon node.

Operator 1 is ours; Boole's duties run in slot BOOLE, Alan's in slot CLOCK.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import replace

from libs.protocol.tests.runners.world import A, B, share, share_keys, validator_key
from libs.protocol.tests.signing.world import BOOLE_EPOCH, CHAIN, CLOCK, NETWORK, keys, member
from libs.protocol.tests.types.samples import ELECTRA_ATTESTATION
from libs.protocol.tests.types.samples import contribution as sample_contribution

from ssv_protocol.crypto.combine import combine
from ssv_protocol.drafts import PreConsensusObject
from ssv_protocol.effects import (
    Combine,
    Effect,
    FetchAggregate,
    FetchBlockRoot,
    FetchContribution,
    FetchedAggregate,
    FetchedBlockRoot,
    FetchedContribution,
    SlotSelection,
    SyncSelection,
)
from ssv_protocol.runners.runner import Runner
from ssv_protocol.runners.seats import CommitteeSeat
from ssv_protocol.runners.selection import Selection
from ssv_protocol.signing.objects import pre_consensus_root
from ssv_protocol.types.beacon.attestation import ElectraAttestation
from ssv_protocol.types.beacon.sync_committee import SyncCommitteeContribution
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import Instant, OperatorId, Root, Slot, ValidatorIndex
from ssv_protocol.types.messages import SignedSSVMessage, SSVMessage
from ssv_protocol.types.partial_signatures import PartialSignature, PartialSignatures
from ssv_protocol.types.roles import BeaconRole, MsgType, PartialSignatureType

BOOLE = CHAIN.first_slot(BOOLE_EPOCH)
AT = Instant(CHAIN.slot_start(CLOCK) + 0.25)
BLOCK_ROOT = Root(b"\x0b" * 32)
EVERYBODY = Selection(lambda duty, proof: True, lambda proof: True)
NOBODY = Selection(lambda duty, proof: False, lambda proof: False)
Key = tuple[ValidatorIndex, Root]


def aggregator(index: ValidatorIndex = A, slot: Slot = BOOLE, committee: int = 2) -> ValidatorDuty:
    return ValidatorDuty(BeaconRole.AGGREGATOR, validator_key(index).public_key(), slot, index, committee, 64, 4, 5)


def contributor(index: ValidatorIndex = A, slot: Slot = BOOLE, seats: tuple[int, ...] = (3, 130)) -> ValidatorDuty:
    pubkey = validator_key(index).public_key()
    role = BeaconRole.SYNC_COMMITTEE_CONTRIBUTION
    return ValidatorDuty(role, pubkey, slot, index, validator_sync_committee_indices=seats)


def seat(selection: Selection = EVERYBODY) -> CommitteeSeat:
    return CommitteeSeat(member(), {index: share(index) for index in (A, B)}, NETWORK, selection=selection)


def slot_selection(index: ValidatorIndex = A, slot: Slot = BOOLE) -> SlotSelection:
    return SlotSelection(index, validator_key(index).public_key(), slot)


def sync_selection(subcommittee: int, index: ValidatorIndex = A, slot: Slot = BOOLE) -> SyncSelection:
    return SyncSelection(index, validator_key(index).public_key(), slot, subcommittee)


def proof_keys(*items: PreConsensusObject, slot: Slot = BOOLE) -> list[Key]:
    """Return what the proofs are signatures over, by validator."""
    return [(item.validator_index, pre_consensus_root(CHAIN, slot, item)) for item in items]


def aggregate(committee: int) -> ElectraAttestation:
    bits = tuple(position == committee for position in range(64))
    return replace(ELECTRA_ATTESTATION, committee_bits=bits)


def contribution(subcommittee: int) -> SyncCommitteeContribution:
    return replace(sample_contribution(subcommittee), beacon_block_root=BLOCK_ROOT)


def answer(request: Effect) -> FetchedAggregate | FetchedBlockRoot | FetchedContribution:
    """Answer as a beacon node does that has everything."""
    match request:
        case FetchAggregate():
            return FetchedAggregate(request, aggregate(request.committee_index))
        case FetchBlockRoot():
            return FetchedBlockRoot(request, BLOCK_ROOT)
        case FetchContribution():
            return FetchedContribution(request, contribution(request.subcommittee_index))
    raise AssertionError(f"not a question: {request}")


def signatures(
    machine: Runner,
    operator: int,
    wanted: Iterable[Key],
    kind: PartialSignatureType,
    *,
    wrong: Iterable[Key] = (),
) -> SignedSSVMessage:
    """Return an operator's share signatures in one message; the `wrong` ones are by keys that are not its shares."""
    me, bad = OperatorId(operator), set(wrong)
    items = tuple(
        PartialSignature(
            (validator_key(index) if (index, root) in bad else share_keys(index)[me]).sign(root), root, me, index
        )
        for index, root in wanted
    )
    batch = PartialSignatures(kind, machine.duty.slot, items)
    message = SSVMessage(MsgType.PARTIAL_SIGNATURE, machine.message_id, batch.encode())
    return SignedSSVMessage((keys()[me].sign(message),), (me,), message)


def combined(machine: Runner, effects: Iterable[Effect], at: Instant = AT) -> list[Effect]:
    """Carry out every combination among the effects; return what comes of them."""
    jobs = [effect for effect in effects if isinstance(effect, Combine)]
    assert jobs, "nothing to combine"
    return [effect for job in jobs for effect in machine.step(combine(job, secrets.token_bytes), at)]
