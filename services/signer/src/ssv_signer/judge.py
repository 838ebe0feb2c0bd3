"""Judge one request inside a transaction: read the record, ask the rule, write the new record.

Everything that decides is read in that transaction: the share's row, the committee's keys, the records, how far the
database has forgotten. Nothing of it is kept in memory, so nothing can differ from what is on disk. The committee
comes from the message id and the share, never from the caller's word.

Invariant: what is returned as `Work` is written in the open transaction, and is nothing until that is committed.

Source: architecture §5.1 to §5.4.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from typing import TypeVar

from ssv_protocol.effects import (
    Draft,
    Exit,
    PostConsensusDraft,
    PreConsensusDraft,
    PreConsensusObject,
    QbftDraft,
    RandaoReveal,
    Registration,
    SlotSelection,
    SyncSelection,
)
from ssv_protocol.forks import Network
from ssv_protocol.signing import message_id as message_ids
from ssv_protocol.signing import partial_signatures, post_consensus, pre_consensus, qbft
from ssv_protocol.signing.post_consensus import HeldShare, PostConsensusState
from ssv_protocol.signing.records import PartialSignaturesRecord
from ssv_protocol.signing.verdict import DenialReason, Denied
from ssv_protocol.types.ids import BlsPublicKey, Height, MessageId, Slot, ValidatorIndex
from ssv_protocol.types.message_id import COMMITTEE_ROLES, committee_of, duty_executor, message_role
from ssv_protocol.types.operator import CommitteeMember
from ssv_protocol.types.roles import BeaconRole
from ssv_signer.at_rest import Keyring
from ssv_signer.store import batches, committees, consensus, pins, shares, watermarks
from ssv_signer.store.shares import ShareRow
from ssv_signer.work import BatchWork, EnvelopeWork, LeftOut, Refusal, Work

RecordT = TypeVar("RecordT")
_Rows = dict[ValidatorIndex, ShareRow]
_DUTY_TYPES: dict[type[PreConsensusObject], BeaconRole] = {
    RandaoReveal: BeaconRole.PROPOSER,
    SlotSelection: BeaconRole.AGGREGATOR,
    SyncSelection: BeaconRole.SYNC_COMMITTEE_CONTRIBUTION,
    Registration: BeaconRole.VALIDATOR_REGISTRATION,
    Exit: BeaconRole.VOLUNTARY_EXIT,
}


class Judge:
    """Applies the signing rules of `ssv_protocol.signing` to the records of one database."""

    def __init__(self, network: Network, keyring: Keyring) -> None:
        self._network = network
        self._keyring = keyring

    def judge(self, connection: sqlite3.Connection, draft: Draft, clock: Slot) -> Work | Refusal:
        """Judge a draft and write what it changes; `clock` is the signer's slot."""
        slot = Slot(draft.message.height) if isinstance(draft, QbftDraft) else draft.slot
        denied = message_ids.check(self._network, draft.message_id, slot)
        if denied is not None:
            return Refusal(denied)
        forgotten_below = pins.forgotten_below(connection)
        if slot < forgotten_below and not _may_be_forgotten(draft):
            return Refusal(Denied(DenialReason.TOO_OLD, f"slot {slot}, forgotten below {forgotten_below}"))
        member = self._member(connection, draft.message_id, slot)
        if member is None:
            return Refusal(Denied(DenialReason.UNKNOWN_COMMITTEE))
        if isinstance(draft, QbftDraft):
            return self._consensus(connection, member, draft, clock)
        if isinstance(draft, PreConsensusDraft):
            return self._pre_consensus(connection, member, draft, clock)
        return self._post_consensus(connection, member, draft, clock)

    def _member(self, connection: sqlite3.Connection, message_id: MessageId, slot: Slot) -> CommitteeMember | None:
        """Return the seat in the committee of a duty, if a share gives the operator a say in it."""
        if message_role(message_id) in COMMITTEE_ROLES:
            committee = committee_of(message_id)
            held = shares.any_active(connection, committee)
        else:
            share = shares.of_validator(connection, BlsPublicKey(duty_executor(message_id)))
            held, committee = share is not None, share.committee if share is not None else committee_of(message_id)
        return committees.member(connection, committee, self._network.domain_at(slot)) if held else None

    def _consensus(
        self, connection: sqlite3.Connection, member: CommitteeMember, draft: QbftDraft, clock: Slot
    ) -> Work | Refusal:
        message, height = draft.message, Height(draft.message.height)
        before = consensus.record(connection, draft.message_id, height, message.msg_type, message.round)
        verdict = qbft.check(self._network, before, draft, clock)
        if isinstance(verdict, Denied):
            return Refusal(verdict)
        if verdict.record != before:
            consensus.put(connection, draft.message_id, height, before, verdict.record)
        return EnvelopeWork(member.operator_id, verdict.message)

    def _pre_consensus(
        self, connection: sqlite3.Connection, member: CommitteeMember, draft: PreConsensusDraft, clock: Slot
    ) -> Work | Refusal:
        sent = batches.record(connection, draft.message_id, draft.slot, draft.type)
        rows = _rows(connection, sent, ((item.validator_index, item.pubkey) for item in draft.objects))
        verdict = pre_consensus.check(self._network, member, _held(rows), sent, draft, clock)
        if isinstance(verdict, Denied):
            return Refusal(verdict)
        left_out = tuple(
            LeftOut(item.object.validator_index, _DUTY_TYPES[type(item.object)], item.denied) for item in verdict.denied
        )
        return self._batch(connection, member, draft, rows, sent, verdict.record, left_out)

    def _post_consensus(
        self, connection: sqlite3.Connection, member: CommitteeMember, draft: PostConsensusDraft, clock: Slot
    ) -> Work | Refusal:
        sent = batches.record(connection, draft.message_id, draft.slot, post_consensus.KIND)
        rows = _rows(connection, sent, ((duty.validator_index, duty.pubkey) for duty in draft.duties))
        attestations = _records(connection, rows, watermarks.attestation)
        proposals = _records(connection, rows, watermarks.proposal)
        state = PostConsensusState(_held(rows), attestations, sent, proposals)
        verdict = post_consensus.check(self._network, member, state, draft, clock)
        if isinstance(verdict, Denied):
            return Refusal(verdict)
        for share_pubkey, attested in verdict.attestations.items():
            watermarks.put_attestation(connection, share_pubkey, attested)
        for share_pubkey, proposed in verdict.proposals.items():
            watermarks.put_proposal(connection, share_pubkey, proposed)
        left_out = tuple(LeftOut(item.duty.validator_index, item.duty.type, item.denied) for item in verdict.denied)
        return self._batch(connection, member, draft, rows, sent, verdict.record, left_out)

    def _batch(
        self,
        connection: sqlite3.Connection,
        member: CommitteeMember,
        draft: PreConsensusDraft | PostConsensusDraft,
        rows: _Rows,
        sent: PartialSignaturesRecord | None,
        record: PartialSignaturesRecord | None,
        left_out: tuple[LeftOut, ...],
    ) -> Work | Refusal:
        if record is None:
            return Refusal(left_out[0].denied if left_out else Denied(DenialReason.NOTHING_TO_SIGN), left_out)
        if sent is None:
            batches.put(connection, draft.message_id, record)
        by_key = {row.share_pubkey: row for row in rows.values()}
        secrets = tuple(self._keyring.secret(by_key[item.share_pubkey]) for item in record.items)
        return BatchWork(member.operator_id, draft.message_id, record, secrets, left_out)


def _may_be_forgotten(draft: Draft) -> bool:
    return isinstance(draft, PreConsensusDraft) and draft.type in partial_signatures.NEVER_TOO_OLD


def _rows(
    connection: sqlite3.Connection,
    sent: PartialSignaturesRecord | None,
    asked: Iterable[tuple[ValidatorIndex, BlsPublicKey]],
) -> _Rows:
    """Return the shares of the message on record, or else of the validators asked for."""
    if sent is not None:
        found = [(item.validator_index, shares.by_key(connection, item.share_pubkey)) for item in sent.items]
    else:
        found = [(index, shares.of_validator(connection, pubkey)) for index, pubkey in asked]
    rows: _Rows = {}
    for index, row in found:
        # the signer does not know indices; a wrong one only makes a message that nobody can use
        if row is not None:
            rows.setdefault(index, row)
    return rows


def _held(rows: _Rows) -> dict[ValidatorIndex, HeldShare]:
    return {
        index: HeldShare(row.validator_pubkey, row.share_pubkey, row.committee, row.may_sign_from)
        for index, row in rows.items()
    }


def _records(
    connection: sqlite3.Connection,
    rows: _Rows,
    read: Callable[[sqlite3.Connection, BlsPublicKey], RecordT | None],
) -> dict[BlsPublicKey, RecordT]:
    records = ((row.share_pubkey, read(connection, row.share_pubkey)) for row in rows.values())
    return {key: record for key, record in records if record is not None}
