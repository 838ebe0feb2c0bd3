"""Which share signatures follow from a committee's decision? For every role that decides.

One verdict per duty: a validator that may not sign never keeps the others from signing. Attestations and blocks pass
their slashing rule one after another, each against the record that the one before left. Nothing else is slashable,
there the decision is enough.

Not judged here: leases, and whether the beacon chain gave the validator this duty.

Source: architecture §5.1, §5.2, §5.4; ssv-spec ssv/*.go (ProcessConsensus).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ssv_protocol.effects import PostConsensusDraft
from ssv_protocol.errors import ProtocolError
from ssv_protocol.forks import Network
from ssv_protocol.signing import partial_signatures
from ssv_protocol.signing.decided_objects import DUTY_TYPES, decided_objects
from ssv_protocol.signing.evidence import decided_value
from ssv_protocol.signing.objects import PostConsensusObject
from ssv_protocol.signing.records import AttestationRecord, PartialSignaturesRecord, ProposalRecord, ShareSigning
from ssv_protocol.signing.slashable import SlashingRecords
from ssv_protocol.signing.verdict import DenialReason, Denied
from ssv_protocol.types.committee import committee_id
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import GENESIS_EPOCH, BlsPublicKey, CommitteeId, Epoch, Root, Slot, ValidatorIndex
from ssv_protocol.types.message_id import COMMITTEE_ROLES, duty_executor, message_role
from ssv_protocol.types.operator import CommitteeMember
from ssv_protocol.types.partial_signatures import MAX_PARTIAL_SIGNATURES
from ssv_protocol.types.roles import BeaconRole, PartialSignatureType, RunnerRole

KIND = PartialSignatureType.POST_CONSENSUS

WAITING_TYPES = frozenset({BeaconRole.ATTESTER, BeaconRole.PROPOSER, BeaconRole.AGGREGATOR})
"""What a share that waits does not sign: what is slashable, and aggregates, by which nodes see validators live."""


@dataclass(frozen=True, slots=True)
class HeldShare:
    """A share that the signer holds: whose, of which committee, and the first epoch of which it signs `WAITING_TYPES`.

    The secret is not here; `has_key` says whether signatures can be made with it now.
    """

    validator_pubkey: BlsPublicKey
    share_pubkey: BlsPublicKey
    committee: CommitteeId
    may_sign_from: Epoch = GENESIS_EPOCH
    has_key: bool = True


@dataclass(frozen=True, slots=True)
class PostConsensusState:
    """What the transaction read: active shares, their slashing records, the record of this message."""

    shares: Mapping[ValidatorIndex, HeldShare]
    attestations: Mapping[BlsPublicKey, AttestationRecord]
    sent: PartialSignaturesRecord | None = None
    proposals: Mapping[BlsPublicKey, ProposalRecord] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DeniedDuty:
    """A duty of the request that is left out of the message."""

    duty: ValidatorDuty
    denied: Denied


@dataclass(frozen=True, slots=True)
class PostConsensusVerdict:
    """Persist `record`, `attestations` and `proposals` together; when they are durable, sign `record.items`.

    `record` is None when every duty was denied. `attestations` and `proposals` have only the records that changed,
    by share public key. `denied` has the duties that are left out, `objects` what each root of a new record stands for.
    """

    record: PartialSignaturesRecord | None
    attestations: Mapping[BlsPublicKey, AttestationRecord]
    denied: tuple[DeniedDuty, ...] = ()
    proposals: Mapping[BlsPublicKey, ProposalRecord] = field(default_factory=dict)
    objects: Mapping[Root, PostConsensusObject] = field(default_factory=dict, compare=False)


def check(
    network: Network,
    member: CommitteeMember,
    state: PostConsensusState,
    draft: PostConsensusDraft,
    clock: Slot,
) -> PostConsensusVerdict | Denied:
    """Judge a post-consensus request; `member` brings the registry's keys, `clock` is the signer's slot.

    Denied as a whole when the request or its evidence is not in order, or when a share of the message that was
    already sent is gone.
    """
    # REQUEST
    denied = partial_signatures.check_duty(network, draft.message_id, draft.slot, KIND, clock)
    if denied is not None:
        return denied
    if len(draft.duties) > MAX_PARTIAL_SIGNATURES:  # on record, such a message could never be encoded
        return Denied(DenialReason.MALFORMED, f"{len(draft.duties)} duties in one request")
    role = RunnerRole(message_role(draft.message_id))
    # REPEAT
    if state.sent is not None:
        gone = partial_signatures.check_repeat(state.sent, {share.share_pubkey for share in state.shares.values()})
        return gone or PostConsensusVerdict(state.sent, {})
    # EVIDENCE
    value = decided_value(member, draft.message_id, draft.slot, draft.decided)
    if isinstance(value, Denied):
        return value
    # DUTIES
    committee, epoch = committee_id(member.operator_ids), network.chain.epoch_of(draft.slot)
    admitted, denied_duties = _admit(draft, role, committee, state.shares, epoch)
    try:
        objects = decided_objects(network.chain, role, draft.slot, value, admitted)
    except ProtocolError as error:
        return Denied(DenialReason.EVIDENCE_VALUE, str(error))
    # RECORD
    records = SlashingRecords(network.chain, clock, state.attestations, state.proposals)
    items: list[ShareSigning] = []
    signed: dict[Root, PostConsensusObject] = {}
    for item in objects:
        share_pubkey = state.shares[item.duty.validator_index].share_pubkey
        denied = records.judge(item, share_pubkey)
        if denied is None:
            items.append(ShareSigning(item.duty.validator_index, share_pubkey, item.signing_root))
            signed[item.signing_root] = item
        else:
            denied_duties.append(DeniedDuty(item.duty, denied))
    sent = PartialSignaturesRecord(draft.slot, KIND, tuple(items)) if items else None
    return PostConsensusVerdict(
        sent, records.changed_attestations, tuple(denied_duties), records.changed_proposals, signed
    )


def _admit(
    draft: PostConsensusDraft,
    role: RunnerRole,
    committee: CommitteeId,
    shares: Mapping[ValidatorIndex, HeldShare],
    epoch: Epoch,
) -> tuple[list[ValidatorDuty], list[DeniedDuty]]:
    # by public key: the signer knows no indices, and one validator's duty must not be there under two
    admitted: dict[tuple[int, BlsPublicKey], ValidatorDuty] = {}
    denied: list[DeniedDuty] = []
    for duty in draft.duties:
        share, key = shares.get(duty.validator_index), (duty.type, duty.pubkey)
        if duty.type not in DUTY_TYPES[role]:
            reason = DenialReason.DUTY_TYPE
        elif duty.slot != draft.slot:
            reason = DenialReason.DUTY_SLOT
        elif share is None or share.validator_pubkey != duty.pubkey:
            reason = DenialReason.UNKNOWN_VALIDATOR
        elif role not in COMMITTEE_ROLES and duty.pubkey != duty_executor(draft.message_id):
            reason = DenialReason.OTHER_VALIDATOR
        elif share.committee != committee:
            reason = DenialReason.OTHER_COMMITTEE
        elif key in admitted:
            reason = DenialReason.DUPLICATE_DUTY
        elif duty.type in WAITING_TYPES and epoch < share.may_sign_from:
            reason = DenialReason.WAITING
        elif not share.has_key:
            reason = DenialReason.NO_KEY
        else:
            admitted[key] = duty
            continue
        denied.append(DeniedDuty(duty, Denied(reason)))
    return list(admitted.values()), denied
