"""Which share signatures may be made without a decision? RANDAO reveals, selection proofs, registrations, exits.

None of them is slashable, but each must be what its duty's slot makes it: the reveal of that epoch, the selection
proof of that slot, the registration of that epoch's start, the exit of that epoch. So a caller can draw no signature
ahead of its time. One verdict per object, and one message per (message id, slot, type): asked again, the recorded one
is the answer.

No object is signed twice in a message, and no validator under two indices, which the signer does not know. Only Alan's
contribution proofs repeat: peers expect one for each seat in the sync committee.

Shares that still wait (`HeldShare.may_sign_from`) sign no RANDAO reveal, with which a block begins, and else all.

Not judged here: leases, whether the beacon chain gave the validator the duty, fee recipients and gas limits. That an
owner asked for an exit neither: it takes a quorum of operators who saw the contract's event.

Source: architecture §5.2, §5.4; ssv-spec ssv/*.go (executeDuty).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.drafts import (
    Exit,
    PreConsensusDraft,
    PreConsensusObject,
    RandaoReveal,
    Registration,
    SlotSelection,
    SyncSelection,
)
from ssv_protocol.forks import Network
from ssv_protocol.signing import partial_signatures
from ssv_protocol.signing.objects import pre_consensus_root
from ssv_protocol.signing.post_consensus import HeldShare
from ssv_protocol.signing.records import PartialSignaturesRecord, ShareSigning
from ssv_protocol.signing.verdict import DenialReason, Denied
from ssv_protocol.types.beacon.preset import SYNC_COMMITTEE_SUBNET_COUNT
from ssv_protocol.types.committee import committee_id
from ssv_protocol.types.ids import BlsPublicKey, MessageId, Root, Slot, ValidatorIndex
from ssv_protocol.types.message_id import COMMITTEE_ROLES, duty_executor, message_role
from ssv_protocol.types.operator import CommitteeMember
from ssv_protocol.types.partial_signatures import MAX_PARTIAL_SIGNATURES
from ssv_protocol.types.roles import PartialSignatureType

_OBJECTS: dict[PartialSignatureType, tuple[type[PreConsensusObject], ...]] = {
    PartialSignatureType.RANDAO: (RandaoReveal,),
    PartialSignatureType.SELECTION_PROOF: (SlotSelection,),
    PartialSignatureType.CONTRIBUTION_PROOFS: (SyncSelection,),
    PartialSignatureType.VALIDATOR_REGISTRATION: (Registration,),
    PartialSignatureType.VOLUNTARY_EXIT: (Exit,),
    PartialSignatureType.AGGREGATOR_COMMITTEE: (SlotSelection, SyncSelection),
}
_REPEATABLE = frozenset({PartialSignatureType.CONTRIBUTION_PROOFS})
"""Alan has one proof for each seat in the sync committee, so two seats in one subcommittee give the same one twice."""


@dataclass(frozen=True, slots=True)
class DeniedObject:
    """An object of the request that is left out of the message."""

    object: PreConsensusObject
    denied: Denied


@dataclass(frozen=True, slots=True)
class PreConsensusVerdict:
    """Persist `record`; when it is durable, sign `record.items`. `record` is None when every object was denied.

    `objects` has what each root of a new record stands for.
    """

    record: PartialSignaturesRecord | None
    denied: tuple[DeniedObject, ...] = ()
    objects: Mapping[Root, PreConsensusObject] = field(default_factory=dict, compare=False)


def check(
    network: Network,
    member: CommitteeMember,
    shares: Mapping[ValidatorIndex, HeldShare],
    sent: PartialSignaturesRecord | None,
    draft: PreConsensusDraft,
    clock: Slot,
) -> PreConsensusVerdict | Denied:
    """Judge a request; `sent` is the record of its message, `clock` is the signer's slot.

    Denied as a whole when the request is not in order, or when a share of the message that was already sent is gone.
    """
    denied = partial_signatures.check_duty(network, draft.message_id, draft.slot, draft.type, clock)
    if denied is not None:
        return denied
    if draft.type not in _OBJECTS:
        return Denied(DenialReason.WRONG_ROLE, f"{draft.type.name} needs a decision")
    if sent is not None:
        gone = partial_signatures.check_repeat(sent, {share.share_pubkey for share in shares.values()})
        return gone or PreConsensusVerdict(sent)
    if not draft.objects:
        return Denied(DenialReason.NOTHING_TO_SIGN)
    if len(draft.objects) > MAX_PARTIAL_SIGNATURES:
        return Denied(DenialReason.MALFORMED, f"{len(draft.objects)} objects in one message")
    items: list[ShareSigning] = []
    left_out: list[DeniedObject] = []
    signed: set[PreConsensusObject] = set()
    index_of: dict[BlsPublicKey, ValidatorIndex] = {}
    objects: dict[Root, PreConsensusObject] = {}
    for item in draft.objects:
        share = shares.get(item.validator_index)
        denied = (
            _check_validator(item, share, member, draft.message_id)
            or _check_waiting(item, share)
            or _check_object(network.chain, draft, item)
            or _check_index(item, index_of)
            or _check_repetition(draft, item, signed)
        )
        if denied is not None or share is None:
            left_out.append(DeniedObject(item, denied or Denied(DenialReason.UNKNOWN_VALIDATOR)))
            continue
        signed.add(item)
        index_of[item.pubkey] = item.validator_index
        root = pre_consensus_root(network.chain, draft.slot, item)
        items.append(ShareSigning(item.validator_index, share.share_pubkey, root))
        objects[root] = item
    record = PartialSignaturesRecord(draft.slot, draft.type, tuple(items)) if items else None
    return PreConsensusVerdict(record, tuple(left_out), objects)


def _check_validator(
    item: PreConsensusObject, share: HeldShare | None, member: CommitteeMember, message_id: MessageId
) -> Denied | None:
    if share is None or share.validator_pubkey != item.pubkey:
        return Denied(DenialReason.UNKNOWN_VALIDATOR)
    if message_role(message_id) not in COMMITTEE_ROLES and item.pubkey != duty_executor(message_id):
        return Denied(DenialReason.OTHER_VALIDATOR)
    if share.committee != committee_id(member.operator_ids):
        return Denied(DenialReason.OTHER_COMMITTEE)
    return None if share.has_key else Denied(DenialReason.NO_KEY)


def _check_waiting(item: PreConsensusObject, share: HeldShare | None) -> Denied | None:
    waits = share is not None and isinstance(item, RandaoReveal) and item.epoch < share.may_sign_from
    return Denied(DenialReason.WAITING) if waits else None


def _check_object(chain: BeaconChain, draft: PreConsensusDraft, item: PreConsensusObject) -> Denied | None:
    """Check that the object is of a type that the message has, and of the request's slot."""
    if not isinstance(item, _OBJECTS[draft.type]):
        return Denied(DenialReason.DUTY_TYPE, type(item).__name__)
    epoch = chain.epoch_of(draft.slot)
    match item:
        case RandaoReveal():
            of_slot = item.epoch == epoch
        case Registration():
            of_slot = item.registration.timestamp == int(chain.slot_start(chain.first_slot(epoch)))
        case Exit():
            of_slot = item.exit.epoch == epoch
        case SyncSelection():
            if item.subcommittee_index >= SYNC_COMMITTEE_SUBNET_COUNT:
                return Denied(DenialReason.MALFORMED, f"subcommittee {item.subcommittee_index}")
            of_slot = item.slot == draft.slot
        case SlotSelection():
            of_slot = item.slot == draft.slot
    return None if of_slot else Denied(DenialReason.DUTY_SLOT, type(item).__name__)


def _check_index(item: PreConsensusObject, index_of: Mapping[BlsPublicKey, ValidatorIndex]) -> Denied | None:
    """Check that the object names its validator by the same index as those before it."""
    if index_of.get(item.pubkey, item.validator_index) != item.validator_index:
        return Denied(DenialReason.SECOND_INDEX, f"after {index_of[item.pubkey]}")
    return None


def _check_repetition(
    draft: PreConsensusDraft, item: PreConsensusObject, signed: Collection[PreConsensusObject]
) -> Denied | None:
    if item in signed and draft.type not in _REPEATABLE:
        return Denied(DenialReason.DUPLICATE_OBJECT, type(item).__name__)
    return None
