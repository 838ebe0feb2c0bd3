"""Judge one request inside a transaction: read the record, ask the rule, write the new record.

Everything that decides is read in that transaction: the share's row, the committee's keys, the records, how far the
database has forgotten. Nothing of it is kept in memory beyond the transaction, in which others can't change it, so
nothing can differ from what is on disk. The committee comes from the message id and the share, never from the caller's
word.

Invariant: what is returned as `Work` is written in the open transaction, and is nothing until that is committed.

Source: architecture §5.1 to §5.4.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

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
from ssv_protocol.signing import leases as lease_rules
from ssv_protocol.signing import message_id as message_ids
from ssv_protocol.signing import partial_signatures, post_consensus, pre_consensus, qbft
from ssv_protocol.signing.leases import Lease, LeaseRecord
from ssv_protocol.signing.objects import Signable
from ssv_protocol.signing.post_consensus import HeldShare, PostConsensusState
from ssv_protocol.signing.records import PartialSignaturesRecord
from ssv_protocol.signing.verdict import DenialReason, Denied
from ssv_protocol.types.ids import BlsPublicKey, CommitteeId, DomainType, Height, MessageId, Root, Slot, ValidatorIndex
from ssv_protocol.types.message_id import COMMITTEE_ROLES, committee_of, duty_executor, message_role
from ssv_protocol.types.operator import CommitteeMember
from ssv_protocol.types.roles import BeaconRole
from ssv_signer.leasing import Leasing, is_behind
from ssv_signer.share_keys import ShareKeys
from ssv_signer.store import batches, committees, consensus, leases, pins, shares, watermarks
from ssv_signer.store.database import Connection
from ssv_signer.store.shares import ShareRow
from ssv_signer.work import Asked, BatchWork, EnvelopeWork, LeftOut, Refusal, Work

_Rows = dict[ValidatorIndex, ShareRow]
_DUTY_TYPES: dict[type[PreConsensusObject], BeaconRole] = {
    RandaoReveal: BeaconRole.PROPOSER,
    SlotSelection: BeaconRole.AGGREGATOR,
    SyncSelection: BeaconRole.SYNC_COMMITTEE_CONTRIBUTION,
    Registration: BeaconRole.VALIDATOR_REGISTRATION,
    Exit: BeaconRole.VOLUNTARY_EXIT,
}


@dataclass(frozen=True, slots=True)
class Judge:
    """Applies the signing rules of `ssv_protocol.signing` to the records of one database."""

    network: Network
    keys: ShareKeys
    leasing: Leasing

    def sit(self, connection: Connection, clock: Slot, asked: Sequence[Asked]) -> Sitting:
        """Begin to judge in an open transaction; `clock` is the signer's slot, `asked` is what will be judged."""
        return Sitting(self, connection, clock, [each.draft for each in asked])


class Sitting:
    """The judging of one transaction.

    What most requests need is read for all of them at once, because each statement may be a journey to the database
    and back: seats in committees and how far was forgotten, which no judging changes; records of consensuses, which are
    read again after this sitting wrote to them.

    Invariant: before anything else is looked at, the caller's lease is matched with that of the committee, which is the
    message id's or its validator's. `close` counts the writes of each committee, in the same transaction.
    """

    def __init__(self, judge: Judge, connection: Connection, clock: Slot, drafts: Sequence[Draft]) -> None:
        self._network, self._keys, self._leasing = judge.network, judge.keys, judge.leasing
        self._connection = connection
        self._clock = clock
        self._forgotten_below = pins.forgotten_below(connection)
        ids = dict.fromkeys(draft.message_id for draft in drafts)
        named = [committee_of(each) for each in ids if message_role(each) in COMMITTEE_ROLES]
        self._active = shares.active_committees(connection, named)
        self._seats: dict[tuple[DomainType, CommitteeId], CommitteeMember] = {}
        self._domains = {slot: self._network.domain_at(slot) for slot in {_slot(draft) for draft in drafts}}
        for domain in set(self._domains.values()):
            seats = committees.members(connection, list(self._active), domain)
            self._seats |= {(domain, committee): seat for committee, seat in seats.items()}
        steps = dict.fromkeys(_asked(draft) for draft in drafts if isinstance(draft, QbftDraft))
        self._consensuses = consensus.records(connection, list(steps))
        self._written: set[consensus.Place] = set()
        self._unwritten: dict[consensus.Place, consensus.Change] = {}
        self._leases: dict[CommitteeId, LeaseRecord | None] = {}
        self._read_leases(list(self._active))
        self._matched: set[CommitteeId] = set()
        self._matches: dict[tuple[CommitteeId, Lease | None], Denied | None] = {}
        self._changed: set[CommitteeId] = set()
        self.behind: dict[CommitteeId, Lease | None] = {}
        """Committees whose records can't be believed, with the lease that told; None: this process did."""

    def judge(self, asked: Asked) -> Work | Refusal:
        """Judge a request and write what it changes."""
        draft = asked.draft
        message_id, slot = draft.message_id, _slot(draft)
        denied = message_ids.check(self._network, message_id, slot)
        if denied is not None:
            return Refusal(denied)
        if slot < self._forgotten_below and not _may_be_forgotten(draft):
            return Refusal(Denied(DenialReason.TOO_OLD, f"slot {slot}, forgotten below {self._forgotten_below}"))
        member = self._seat(message_id, slot)
        if member is None:
            return Refusal(Denied(DenialReason.UNKNOWN_COMMITTEE))
        denied = self._match(member.committee_id, asked.lease, draft, slot)
        if denied is not None:
            return Refusal(denied)
        if isinstance(draft, QbftDraft):
            return self._consensus(member, draft)
        if isinstance(draft, PreConsensusDraft):
            return self._pre_consensus(member, draft)
        return self._post_consensus(member, draft)

    def write(self) -> None:
        """Write what was said in consensuses, which waits so that many are written in one go."""
        changes, self._unwritten = self._unwritten, {}
        self._written |= changes.keys()
        consensus.put(self._connection, changes)

    def close(self) -> dict[CommitteeId, LeaseRecord]:
        """Write and count what was written; returns the leases of all committees for which something may be signed."""
        self.write()
        held = {committee: record for committee in self._matched if (record := self._leases[committee]) is not None}
        counted = leases.advance(self._connection, {committee: held[committee].fence for committee in self._changed})
        return {
            committee: replace(record, seq=counted.get(committee, record.seq)) for committee, record in held.items()
        }

    def _match(self, committee: CommitteeId, lease: Lease | None, draft: Draft, slot: Slot) -> Denied | None:
        asking = committee, lease
        try:
            denied = self._matches[asking]
        except KeyError:
            denied = self._matches[asking] = self._match_lease(committee, lease)
        record = self._leases[committee]
        if denied is not None or record is None:
            return denied
        return None if _may_be_forgotten(draft) else lease_rules.check_slot(record, slot)

    def _match_lease(self, committee: CommitteeId, lease: Lease | None) -> Denied | None:
        self._read_leases([committee])
        record = self._leases[committee]
        denied = self._leasing.match(committee, record, lease, self._clock)
        if is_behind(denied):
            self.behind[committee] = lease
        if denied is None and record is not None:
            self._matched.add(committee)
            if not record.believed:
                self._changed.add(committee)  # proven now, and on record with the next write
        return denied

    def _read_leases(self, wanted: Sequence[CommitteeId]) -> None:
        unread = [committee for committee in wanted if committee not in self._leases]
        if unread:
            self._leases |= dict.fromkeys(unread) | leases.records(self._connection, unread)

    def _seat(self, message_id: MessageId, slot: Slot) -> CommitteeMember | None:
        """Return the seat in the committee of a duty, if a share gives the operator a say in it."""
        domain = self._domains[slot]
        if message_role(message_id) in COMMITTEE_ROLES:
            committee = committee_of(message_id)
            return self._seats.get((domain, committee)) if committee in self._active else None
        share = shares.of_validator(self._connection, BlsPublicKey(duty_executor(message_id)))
        return None if share is None else committees.member(self._connection, share.committee, domain)

    def _consensus(self, member: CommitteeMember, draft: QbftDraft) -> Work | Refusal:
        asked = _asked(draft)
        place = asked[:2]
        if place in self._unwritten:
            self.write()
        fresh = place in self._written
        before = consensus.record(self._connection, asked) if fresh else self._consensuses.get(asked)
        verdict = qbft.check(self._network, before, draft, self._clock)
        if isinstance(verdict, Denied):
            return Refusal(verdict)
        if verdict.record is not before:
            self._unwritten[place] = before, verdict.record
            self._changed.add(member.committee_id)
        return EnvelopeWork(member.committee_id, member.operator_id, verdict.message)

    def _pre_consensus(self, member: CommitteeMember, draft: PreConsensusDraft) -> Work | Refusal:
        sent = batches.record(self._connection, draft.message_id, draft.slot, draft.type)
        rows = self._rows(sent, [(item.validator_index, item.pubkey) for item in draft.objects])
        verdict = pre_consensus.check(self._network, member, self._held(rows), sent, draft, self._clock)
        if isinstance(verdict, Denied):
            return Refusal(verdict)
        left_out = tuple(
            LeftOut(item.object.validator_index, _DUTY_TYPES[type(item.object)], item.denied) for item in verdict.denied
        )
        return self._batch(member, draft, rows, sent, verdict.record, left_out, verdict.objects)

    def _post_consensus(self, member: CommitteeMember, draft: PostConsensusDraft) -> Work | Refusal:
        sent = batches.record(self._connection, draft.message_id, draft.slot, post_consensus.KIND)
        rows = self._rows(sent, [(duty.validator_index, duty.pubkey) for duty in draft.duties])
        keys = [row.share_pubkey for row in rows.values()]
        attestations = watermarks.attestations(self._connection, keys)
        proposals = watermarks.proposals(self._connection, keys)
        state = PostConsensusState(self._held(rows), attestations, sent, proposals)
        verdict = post_consensus.check(self._network, member, state, draft, self._clock)
        if isinstance(verdict, Denied):
            return Refusal(verdict)
        watermarks.put_attestations(self._connection, verdict.attestations)
        watermarks.put_proposals(self._connection, verdict.proposals)
        if verdict.attestations or verdict.proposals:
            self._changed.add(member.committee_id)
        left_out = tuple(LeftOut(item.duty.validator_index, item.duty.type, item.denied) for item in verdict.denied)
        return self._batch(member, draft, rows, sent, verdict.record, left_out, verdict.objects)

    def _batch(
        self,
        member: CommitteeMember,
        draft: PreConsensusDraft | PostConsensusDraft,
        rows: _Rows,
        sent: PartialSignaturesRecord | None,
        record: PartialSignaturesRecord | None,
        left_out: tuple[LeftOut, ...],
        objects: Mapping[Root, Signable],
    ) -> Work | Refusal:
        if record is None:
            return Refusal(left_out[0].denied if left_out else Denied(DenialReason.NOTHING_TO_SIGN), left_out)
        if sent is None:
            batches.put(self._connection, draft.message_id, record)
            self._keys.remember(self._connection, record.slot, objects)
            self._changed.add(member.committee_id)
        work = BatchWork(member.committee_id, member.operator_id, draft.message_id, record, left_out)
        return self._keys.equip(self._connection, work, {row.share_pubkey: row for row in rows.values()})

    def _rows(
        self, sent: PartialSignaturesRecord | None, asked: Iterable[tuple[ValidatorIndex, BlsPublicKey]]
    ) -> _Rows:
        """Return the shares of the message on record, or else of the validators asked for."""
        if sent is not None:
            wanted = [(item.validator_index, item.share_pubkey) for item in sent.items]
            known = shares.by_keys(self._connection, _keys(wanted))
        else:
            wanted = list(asked)
            known = shares.of_validators(self._connection, _keys(wanted))
        rows: _Rows = {}
        for index, key in wanted:
            # the signer does not know indices; a wrong one only makes a message that nobody can use
            if key in known:
                rows.setdefault(index, known[key])
        return rows

    def _held(self, rows: _Rows) -> dict[ValidatorIndex, HeldShare]:
        return {
            index: HeldShare(
                row.validator_pubkey, row.share_pubkey, row.committee, row.may_sign_from, self._keys.can_sign(row)
            )
            for index, row in rows.items()
        }


def _slot(draft: Draft) -> Slot:
    return Slot(draft.message.height) if isinstance(draft, QbftDraft) else draft.slot


def _asked(draft: QbftDraft) -> consensus.Asked:
    message = draft.message
    return draft.message_id, Height(message.height), message.msg_type, message.round


def _may_be_forgotten(draft: Draft) -> bool:
    return isinstance(draft, PreConsensusDraft) and draft.type in partial_signatures.NEVER_TOO_OLD


def _keys(wanted: Iterable[tuple[ValidatorIndex, BlsPublicKey]]) -> list[BlsPublicKey]:
    return list(dict.fromkeys(key for _, key in wanted))
