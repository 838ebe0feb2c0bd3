"""Whose duties are taken up at all: those of validators that scheduler and signer let sign in the epoch.

Not a safety rule: the signer decides again when it signs. Here the committee's work is spared, and the ledger gets
the reason. A signer that does not answer bars nobody.

A share that waits (new here, or doppelganger protection) does nothing by which it could be slashed or be taken for
alive: no block, no aggregate, no attestation. Its attestation stays in the committee's duty all the same, marked, so
that this operator votes on the value and learns whether the others sign. Sync committee messages, registrations and
exits are not slashable, and go on.

A record beyond the epoch bars attestations alone: blocks have a record of their own, by slot, which only ever is ahead
of a slot that has passed. A record whose target is the duty's own epoch bars nobody either: after a restart it is this
very attestation, which the signer signs again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from ssv_consensus.due_duties import parts_of
from ssv_consensus.duty_book import DutyBook
from ssv_consensus.ports import Cleared, Handed
from ssv_consensus.signer_client import SignerClient, Watermark
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.runners.runner import Duty
from ssv_protocol.signing.post_consensus import WAITING_TYPES
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import BlsPublicKey, CommitteeId, Epoch, Slot, ValidatorIndex
from ssv_protocol.types.roles import BeaconRole

ANSWER_SLOT_SHARE = 1 / 12
"""How much of a slot the signer may take to answer; the committee's consensus begins at a third."""

KEPT_SLOTS = 4
_Marks = Mapping[BlsPublicKey, Watermark] | None


class SigningClearance:
    """`ports.Clearance` of one committee; all duties of a slot share one answer of the signer."""

    def __init__(self, committee: CommitteeId, book: DutyBook, signer: SignerClient) -> None:
        self._committee = committee
        self._book = book
        self._signer = signer
        self._asked: dict[Slot, asyncio.Task[_Marks]] = {}

    async def __call__(self, duty: Duty) -> Cleared:
        """Return what is left of `duty`."""
        epoch = self._book.chain.epoch_of(duty.slot)
        marks = await asyncio.shield(self._marks(duty.slot))
        return clear(duty, epoch, self._book.may_sign_from(self._committee, epoch), marks)

    def _marks(self, slot: Slot) -> asyncio.Task[_Marks]:
        asked = self._asked.get(slot)
        if asked is None or (asked.done() and (asked.exception() is not None or asked.result() is None)):
            timeout_s = self._book.chain.slot_duration_s * ANSWER_SLOT_SHARE
            asked = asyncio.create_task(self._signer.watermarks(self._committee, timeout_s))
            self._asked[slot] = asked
            while len(self._asked) > KEPT_SLOTS:
                del self._asked[next(iter(self._asked))]
        return asked


def clear(
    duty: Duty,
    epoch: Epoch,
    may_sign_from: Mapping[ValidatorIndex, Epoch],
    watermarks: _Marks,
) -> Cleared:
    """Return what is left of a duty in `epoch`. `watermarks`: by validator, None when they are not known."""
    kept: list[ValidatorDuty] = []
    barred: dict[Handed, MissedReason] = {}
    for each in parts_of(duty):
        reason = _obstacle(each, epoch, may_sign_from, watermarks)
        if reason is not None:
            barred[BeaconRole(each.type), each.validator_index] = reason
        if reason is None or (reason is MissedReason.WAITING and each.type == BeaconRole.ATTESTER):
            kept.append(each)
    if not kept:
        return Cleared(None, barred)
    return Cleared(duty if isinstance(duty, ValidatorDuty) else replace(duty, validator_duties=tuple(kept)), barred)


def _obstacle(
    duty: ValidatorDuty,
    epoch: Epoch,
    may_sign_from: Mapping[ValidatorIndex, Epoch],
    watermarks: _Marks,
) -> MissedReason | None:
    waits = duty.type in WAITING_TYPES
    if waits and epoch < may_sign_from.get(duty.validator_index, 0):
        return MissedReason.WAITING
    if watermarks is None:
        return None
    mark = watermarks.get(duty.pubkey)
    if mark is None:
        return MissedReason.NO_SHARE
    if waits and epoch < mark.may_sign_from:
        return MissedReason.WAITING
    return MissedReason.RECORD_AHEAD if duty.type == BeaconRole.ATTESTER and epoch < mark.target else None
