"""Judge one request inside a transaction: read the record, ask the rule, write the new record.

Everything that decides is read in that transaction: the share's row, the committee's keys, the records, how far the
database has forgotten. Nothing of it is kept in memory, so nothing can differ from what is on disk. The committee
comes from the message id and the share, never from the caller's word.

Invariant: what is returned as `Work` is written in the open transaction, and is nothing until that is committed.

Source: architecture §5.1 to §5.4.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from ssv_protocol.effects import Draft, PostConsensusDraft, PreConsensusDraft, QbftDraft
from ssv_protocol.forks import Network
from ssv_protocol.signing import message_id as message_ids
from ssv_protocol.signing import post_consensus, qbft
from ssv_protocol.signing.post_consensus import HeldShare, PostConsensusState
from ssv_protocol.signing.records import AttestationRecord, PartialSignaturesRecord
from ssv_protocol.signing.verdict import DenialReason, Denied
from ssv_protocol.types.ids import BlsPublicKey, Height, MessageId, Slot, ValidatorIndex
from ssv_protocol.types.message_id import COMMITTEE_ROLES, committee_of, duty_executor, message_role
from ssv_protocol.types.operator import CommitteeMember
from ssv_signer.at_rest import Keyring
from ssv_signer.store import batches, committees, consensus, pins, shares, watermarks
from ssv_signer.store.shares import ShareRow
from ssv_signer.work import BatchWork, EnvelopeWork, Refusal, Work


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
        if slot < forgotten_below:
            return Refusal(Denied(DenialReason.TOO_OLD, f"slot {slot}, forgotten below {forgotten_below}"))
        member = self._member(connection, draft.message_id, slot)
        if member is None:
            return Refusal(Denied(DenialReason.UNKNOWN_COMMITTEE))
        if isinstance(draft, QbftDraft):
            return self._consensus(connection, member, draft, clock)
        if isinstance(draft, PreConsensusDraft):
            return Refusal(Denied(DenialReason.WRONG_ROLE, "no rule for signatures before consensus"))
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

    def _post_consensus(
        self, connection: sqlite3.Connection, member: CommitteeMember, draft: PostConsensusDraft, clock: Slot
    ) -> Work | Refusal:
        sent = batches.record(connection, draft.message_id, draft.slot, post_consensus.KIND)
        rows = _rows_asked(connection, draft) if sent is None else _rows_of_record(connection, sent)
        state = PostConsensusState(
            {index: _held(row) for index, row in rows.items()}, _records(connection, rows.values()), sent
        )
        verdict = post_consensus.check(self._network, member, state, draft, clock)
        if isinstance(verdict, Denied):
            return Refusal(verdict)
        if verdict.record is None:
            if not verdict.denied:
                return Refusal(Denied(DenialReason.NOTHING_TO_SIGN))
            return Refusal(verdict.denied[0].denied, verdict.denied)
        for share_pubkey, record in verdict.attestations.items():
            watermarks.put_attestation(connection, share_pubkey, record)
        if sent is None:
            batches.put(connection, draft.message_id, verdict.record)
        by_key = {row.share_pubkey: row for row in rows.values()}
        secrets = tuple(self._keyring.secret(by_key[item.share_pubkey]) for item in verdict.record.items)
        return BatchWork(member.operator_id, draft.message_id, verdict.record, secrets, verdict.denied)


def _rows_asked(connection: sqlite3.Connection, draft: PostConsensusDraft) -> dict[ValidatorIndex, ShareRow]:
    # the signer does not know indices; a wrong one only makes a message that nobody can use
    rows: dict[ValidatorIndex, ShareRow] = {}
    for duty in draft.duties:
        row = shares.of_validator(connection, duty.pubkey)
        if row is not None:
            rows.setdefault(duty.validator_index, row)
    return rows


def _rows_of_record(connection: sqlite3.Connection, sent: PartialSignaturesRecord) -> dict[ValidatorIndex, ShareRow]:
    rows = ((item.validator_index, shares.by_key(connection, item.share_pubkey)) for item in sent.items)
    return {index: row for index, row in rows if row is not None}


def _held(row: ShareRow) -> HeldShare:
    return HeldShare(row.validator_pubkey, row.share_pubkey, row.committee, row.may_sign_from)


def _records(connection: sqlite3.Connection, rows: Iterable[ShareRow]) -> dict[BlsPublicKey, AttestationRecord]:
    records = ((row.share_pubkey, watermarks.attestation(connection, row.share_pubkey)) for row in rows)
    return {key: record for key, record in records if record is not None}
