"""Which share signatures follow from a committee's decision? Role 0: attestations and sync committee messages.

One verdict per duty: a validator that may not sign never keeps the others from signing. Attestations pass the
slashing rule one after another, each against the record that the one before left. Sync committee messages are not
slashable, the decision is enough.

Not judged here: leases, and whether the beacon chain gave the validator this duty.

Source: architecture §5.1, §5.2, §5.4; ssv-spec ssv/committee_runner.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.effects import PostConsensusDraft
from ssv_protocol.forks import Network
from ssv_protocol.signing import attestation, partial_signatures
from ssv_protocol.signing.evidence import decided_vote
from ssv_protocol.signing.objects import AttestationObject, committee_objects
from ssv_protocol.signing.records import AttestationRecord, PartialSignaturesRecord, ShareSigning
from ssv_protocol.signing.verdict import Approved, DenialReason, Denied
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import GENESIS_EPOCH, BlsPublicKey, CommitteeId, Epoch, Slot, ValidatorIndex
from ssv_protocol.types.message_id import committee_of, message_role
from ssv_protocol.types.operator import CommitteeMember
from ssv_protocol.types.roles import BeaconRole, PartialSignatureType, RunnerRole

KIND = PartialSignatureType.POST_CONSENSUS
_DUTY_TYPES = frozenset({BeaconRole.ATTESTER, BeaconRole.SYNC_COMMITTEE})


@dataclass(frozen=True, slots=True)
class HeldShare:
    """A share that the signer holds: whose, of which committee, and the first epoch whose duties it signs.

    The secret is not here.
    """

    validator_pubkey: BlsPublicKey
    share_pubkey: BlsPublicKey
    committee: CommitteeId
    may_sign_from: Epoch = GENESIS_EPOCH


@dataclass(frozen=True, slots=True)
class PostConsensusState:
    """What the transaction read: active shares, their attestation records, the record of this message."""

    shares: Mapping[ValidatorIndex, HeldShare]
    attestations: Mapping[BlsPublicKey, AttestationRecord]
    sent: PartialSignaturesRecord | None = None


@dataclass(frozen=True, slots=True)
class DeniedDuty:
    """A duty of the request that is left out of the message."""

    duty: ValidatorDuty
    denied: Denied


@dataclass(frozen=True, slots=True)
class PostConsensusVerdict:
    """Persist `record` and `attestations` together; when they are durable, sign `record.items`.

    `record` is None when every duty was denied. `attestations` has only the records that changed, by share public
    key. `denied` has the duties that are left out.
    """

    record: PartialSignaturesRecord | None
    attestations: Mapping[BlsPublicKey, AttestationRecord]
    denied: tuple[DeniedDuty, ...] = ()


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
    if message_role(draft.message_id) != RunnerRole.COMMITTEE:
        return Denied(DenialReason.WRONG_ROLE, f"role {message_role(draft.message_id)}")
    # REPEAT
    if state.sent is not None:
        return _repeat(state.sent, state.shares)
    # EVIDENCE
    vote = decided_vote(member, draft.message_id, draft.slot, draft.decided)
    if isinstance(vote, Denied):
        return vote
    # DUTIES
    admitted, denied_duties = _admit(draft, state.shares, network.chain.epoch_of(draft.slot))
    # RECORD
    objects = committee_objects(network.chain, draft.slot, vote, admitted)
    items: list[ShareSigning] = []
    attestations: dict[BlsPublicKey, AttestationRecord] = {}
    for item in objects:
        share_pubkey = state.shares[item.duty.validator_index].share_pubkey
        if isinstance(item, AttestationObject):
            record = attestations.get(share_pubkey, state.attestations.get(share_pubkey))
            verdict = _check_attestation(network.chain, item, record, clock)
            if isinstance(verdict, Denied):
                denied_duties.append(DeniedDuty(item.duty, verdict))
                continue
            if verdict.record != record:
                attestations[share_pubkey] = verdict.record
        items.append(ShareSigning(item.duty.validator_index, share_pubkey, item.signing_root))
    sent = PartialSignaturesRecord(draft.slot, KIND, tuple(items)) if items else None
    return PostConsensusVerdict(sent, attestations, tuple(denied_duties))


def _repeat(sent: PartialSignaturesRecord, shares: Mapping[ValidatorIndex, HeldShare]) -> PostConsensusVerdict | Denied:
    # without one of its shares the message could not be made again, only a second, different one
    held = {share.share_pubkey for share in shares.values()}
    gone = [item.validator_index for item in sent.items if item.share_pubkey not in held]
    return Denied(DenialReason.SHARE_REMOVED, f"validators {gone}") if gone else PostConsensusVerdict(sent, {})


def _admit(
    draft: PostConsensusDraft, shares: Mapping[ValidatorIndex, HeldShare], epoch: Epoch
) -> tuple[list[ValidatorDuty], list[DeniedDuty]]:
    committee = committee_of(draft.message_id)
    admitted: dict[tuple[int, ValidatorIndex], ValidatorDuty] = {}
    denied: list[DeniedDuty] = []
    for duty in draft.duties:
        share, key = shares.get(duty.validator_index), (duty.type, duty.validator_index)
        if duty.type not in _DUTY_TYPES:
            reason = DenialReason.DUTY_TYPE
        elif duty.slot != draft.slot:
            reason = DenialReason.DUTY_SLOT
        elif share is None or share.validator_pubkey != duty.pubkey:
            reason = DenialReason.UNKNOWN_VALIDATOR
        elif share.committee != committee:
            reason = DenialReason.OTHER_COMMITTEE
        elif key in admitted:
            reason = DenialReason.DUPLICATE_DUTY
        elif epoch < share.may_sign_from:
            reason = DenialReason.WAITING
        else:
            admitted[key] = duty
            continue
        denied.append(DeniedDuty(duty, Denied(reason)))
    return list(admitted.values()), denied


def _check_attestation(
    chain: BeaconChain, item: AttestationObject, record: AttestationRecord | None, clock: Slot
) -> Approved[AttestationRecord] | Denied:
    source, target = item.data.source.epoch, item.data.target.epoch
    if target != chain.epoch_of(item.data.slot):
        return Denied(DenialReason.TARGET_OF_OTHER_EPOCH, f"target {target} in slot {item.data.slot}")
    return attestation.check(record, source, target, item.signing_root, chain.epoch_of(clock))
