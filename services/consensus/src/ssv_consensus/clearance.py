"""Whose duties are taken up at all: those of validators that scheduler and signer let sign in the epoch.

Not a safety rule: the signer decides again when it signs. Here the committee's work is spared, and the ledger gets
the reason. A signer that does not answer bars nobody.

A record whose target is the duty's own epoch bars nobody either: after a restart it is this very attestation, which
the signer signs again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ssv_consensus.duty_book import DutyBook
from ssv_consensus.ports import Cleared
from ssv_consensus.signer_client import SignerClient, Watermark
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.types.duty import CommitteeDuty, ValidatorDuty
from ssv_protocol.types.ids import BlsPublicKey, CommitteeId, Epoch, ValidatorIndex
from ssv_protocol.types.roles import BeaconRole

ANSWER_SLOT_SHARE = 1 / 12
"""How much of a slot the signer may take to answer; consensus begins at a third."""


@dataclass(frozen=True, slots=True)
class SigningClearance:
    """`ports.Clearance` of one committee."""

    committee: CommitteeId
    book: DutyBook
    signer: SignerClient

    async def __call__(self, duty: CommitteeDuty) -> Cleared:
        """Return what is left of `duty`."""
        chain = self.book.chain
        epoch = chain.epoch_of(duty.slot)
        marks = await self.signer.watermarks(self.committee, chain.slot_duration_s * ANSWER_SLOT_SHARE)
        return clear(duty, epoch, self.book.may_sign_from(self.committee, epoch), marks)


def clear(
    duty: CommitteeDuty,
    epoch: Epoch,
    may_sign_from: Mapping[ValidatorIndex, Epoch],
    watermarks: Mapping[BlsPublicKey, Watermark] | None,
) -> Cleared:
    """Return what is left of a duty in `epoch`. `watermarks`: by validator, None when they are not known."""
    kept: list[ValidatorDuty] = []
    barred: dict[ValidatorIndex, MissedReason] = {}
    for each in duty.validator_duties:
        reason = _obstacle(each, epoch, may_sign_from, watermarks)
        if reason is None:
            kept.append(each)
        elif each.type == BeaconRole.ATTESTER:
            barred[each.validator_index] = reason
    return Cleared(CommitteeDuty(duty.slot, tuple(kept)), barred)


def _obstacle(
    duty: ValidatorDuty,
    epoch: Epoch,
    may_sign_from: Mapping[ValidatorIndex, Epoch],
    watermarks: Mapping[BlsPublicKey, Watermark] | None,
) -> MissedReason | None:
    if epoch < may_sign_from.get(duty.validator_index, 0):
        return MissedReason.WAITING
    if watermarks is None:
        return None
    mark = watermarks.get(duty.pubkey)
    if mark is None:
        return MissedReason.NO_SHARE
    if epoch < mark.may_sign_from:
        return MissedReason.WAITING
    return MissedReason.RECORD_AHEAD if duty.type == BeaconRole.ATTESTER and epoch < mark.target else None
