"""What the runners' tests share: a committee duty of operator 1, its peers' messages, real keys everywhere."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from functools import cache

from libs.protocol.tests.signing.world import CHAIN, CLOCK, NETWORK, OPERATORS, keys, member, message_id, qbft_draft

from ssv_protocol.crypto.bls import SecretKey
from ssv_protocol.crypto.shares import split_key
from ssv_protocol.effects import Effect, FetchedAttestationData, QbftDraft, Received
from ssv_protocol.qbft.config import CUTOFF_ROUND
from ssv_protocol.runners.admission import open_content
from ssv_protocol.runners.committee import CommitteeRunner, CommitteeSeat
from ssv_protocol.signing.objects import CommitteeObject, committee_objects
from ssv_protocol.types.beacon_vote import BeaconVote
from ssv_protocol.types.duty import CommitteeDuty, ValidatorDuty
from ssv_protocol.types.ids import ExecutionAddress, Instant, OperatorId, Round, Slot, ValidatorIndex
from ssv_protocol.types.messages import SignedSSVMessage, SSVMessage
from ssv_protocol.types.partial_signatures import PartialSignature, PartialSignatures
from ssv_protocol.types.roles import BeaconRole, MsgType, PartialSignatureType, QbftMessageType
from ssv_protocol.types.share import Share, ShareMember

LEADER = OperatorId(4)
"""Of round 1 in slot CLOCK; operator 1 leads round 2, and round 1 of LED_BY_US."""
LED_BY_US = Slot(CLOCK + 1)
AT = Instant(CHAIN.slot_start(CLOCK) + 2.5)
A, B, STRANGER = ValidatorIndex(11), ValidatorIndex(12), ValidatorIndex(99)


@cache
def validator_key(index: ValidatorIndex) -> SecretKey:
    return SecretKey.generate(secrets.token_bytes)


@cache
def share_keys(index: ValidatorIndex) -> dict[OperatorId, SecretKey]:
    return split_key(validator_key(index), OPERATORS, secrets.token_bytes)


def share(index: ValidatorIndex) -> Share:
    members = tuple(ShareMember(key.public_key(), operator) for operator, key in share_keys(index).items())
    return Share(
        index,
        validator_key(index).public_key(),
        share_keys(index)[OPERATORS[0]].public_key(),
        members,
        member().domain,
        ExecutionAddress(bytes(20)),
        bytes(32),
    )


def seat(*, same_roots: bool = False, cutoff_round: Round = CUTOFF_ROUND) -> CommitteeSeat:
    return CommitteeSeat(member(), {index: share(index) for index in (A, B)}, NETWORK, same_roots, cutoff_round)


def attester(index: ValidatorIndex, slot: Slot = CLOCK) -> ValidatorDuty:
    return ValidatorDuty(BeaconRole.ATTESTER, validator_key(index).public_key(), slot, index, 2, 64, 4, 5)


def sync_member(index: ValidatorIndex, slot: Slot = CLOCK) -> ValidatorDuty:
    pubkey = validator_key(index).public_key()
    return ValidatorDuty(BeaconRole.SYNC_COMMITTEE, pubkey, slot, index, validator_sync_committee_indices=(3,))


def runner(*duties: ValidatorDuty, at_seat: CommitteeSeat | None = None, slot: Slot = CLOCK) -> CommitteeRunner:
    return CommitteeRunner(at_seat or seat(), CommitteeDuty(slot, duties or (attester(A, slot), attester(B, slot))))


def fetch(machine: CommitteeRunner, vote: BeaconVote) -> list[Effect]:
    data = vote.attestation_data(machine.duty.slot, 0)
    return machine.step(FetchedAttestationData(data), AT)


def receive(machine: CommitteeRunner, signed: SignedSSVMessage) -> list[Effect]:
    return machine.step(Received(signed, open_content(signed)), AT)


def sign(operator: int, draft: QbftDraft) -> SignedSSVMessage:
    message = SSVMessage(MsgType.CONSENSUS, draft.message_id, draft.message.encode())
    me = OperatorId(operator)
    return SignedSSVMessage((keys()[me].sign(message),), (me,), message, draft.full_data)


def qbft(operator: int, kind: QbftMessageType, value: bytes, at_round: int = 1) -> SignedSSVMessage:
    return sign(operator, qbft_draft(kind, at_round, value))


def objects(machine: CommitteeRunner, vote: BeaconVote) -> tuple[CommitteeObject, ...]:
    return committee_objects(CHAIN, machine.duty.slot, vote, machine.duty.validator_duties)


def partials(
    operator: int, wanted: Sequence[CommitteeObject], *, wrong: Sequence[ValidatorIndex] = ()
) -> list[PartialSignature]:
    """Sign the objects with an operator's shares; for the `wrong` validators with a key that is not theirs."""
    me = OperatorId(operator)
    return [
        PartialSignature(
            (validator_key(index) if index in wrong else share_keys(index)[me]).sign(item.signing_root),
            item.signing_root,
            me,
            index,
        )
        for item in wanted
        for index in (item.duty.validator_index,)
    ]


def batch(
    operator: int,
    messages: Sequence[PartialSignature],
    *,
    slot: Slot = CLOCK,
    kind: PartialSignatureType = PartialSignatureType.POST_CONSENSUS,
) -> SignedSSVMessage:
    content = SSVMessage(
        MsgType.PARTIAL_SIGNATURE, message_id(), PartialSignatures(kind, slot, tuple(messages)).encode()
    )
    me = OperatorId(operator)
    return SignedSSVMessage((keys()[me].sign(content),), (me,), content)
