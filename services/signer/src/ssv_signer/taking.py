"""Holding shares: what is known of each is read for all of them at once, each is judged, and all are written.

Invariants: a share becomes active in the transaction that writes its slashing record, raised to the current epoch and
above every record of earlier shares of the same validator; it signs from the next epoch on. Each is judged against what
the ones before it in the same transaction left, and one that is refused changes nothing. Idempotent.

Source: architecture §5.6.
"""

from __future__ import annotations

from collections.abc import Sequence

from ssv_protocol.forks import Network
from ssv_protocol.signing import attestation, block
from ssv_protocol.signing.records import AttestationRecord, ProposalRecord
from ssv_protocol.types.ids import BlsPublicKey, Epoch, Slot
from ssv_protocol.types.operator import CommitteeMember
from ssv_signer.custody import Added, NewShare
from ssv_signer.errors import ShareConflict
from ssv_signer.share_keys import ShareKeys
from ssv_signer.store import committees, shares, watermarks
from ssv_signer.store.database import Connection
from ssv_signer.store.shares import KnownShare, ShareRow

Outcome = Added | ShareConflict


def add(
    connection: Connection, keys: ShareKeys, network: Network, wanted: Sequence[NewShare], clock: Slot
) -> list[Outcome]:
    """Hold shares, and return what became of each. `clock` is the signer's slot."""
    taking = _Taking(connection, network.chain.epoch_of(clock), wanted)
    outcomes = [taking.judge(share) for share in wanted]
    taking.write(keys, clock)
    return outcomes


class _Taking:
    def __init__(self, connection: Connection, epoch: Epoch, wanted: Sequence[NewShare]) -> None:
        self._connection, self._epoch = connection, epoch
        self._seats = {
            committee: seat
            for domain in {share.seat.domain for share in wanted}
            for committee, seat in committees.members(
                connection, list({share.seat.committee_id for share in wanted}), domain
            ).items()
        }
        self._by_key: dict[BlsPublicKey, KnownShare] = {}
        self._of_validator: dict[BlsPublicKey, list[KnownShare]] = {}
        pubkeys, validators = [each.share_pubkey for each in wanted], [each.validator_pubkey for each in wanted]
        for known in shares.related(connection, pubkeys, validators):
            self._know(known)
        self._new: list[NewShare] = []
        self._new_seats: dict[CommitteeMember, None] = {}

    def judge(self, share: NewShare) -> Outcome:
        """Decide on a share, and keep what is to be written."""
        seat, validator = share.seat, share.validator_pubkey
        known_seat = self._seats.get(seat.committee_id)
        if known_seat is not None and known_seat.operator_ids != seat.operator_ids:
            # the id hashes 32 bits of each operator id, so two committees can share one
            return ShareConflict("a committee of other operators with the same id is known")
        known = self._by_key.get(share.share_pubkey)
        held = known if known is not None and known.is_active else None
        if held is not None and (held.validator_pubkey, held.committee) != (validator, seat.committee_id):
            return ShareConflict("the share is held for another validator or committee; remove it there first")
        if held is None and known is not None and known.validator_pubkey != validator:
            return ShareConflict("the share was held for another validator, to which its record belongs")
        if held is None and any(each.is_active for each in self._of_validator.get(validator, [])):
            return ShareConflict("another share of this validator is held; remove it first")
        changed = known_seat is not None and known_seat != seat
        if known_seat != seat:
            self._seats[seat.committee_id] = seat
            self._new_seats[seat] = None
        if held is not None:
            return Added(False, held.may_sign_from, changed)
        may_sign_from = Epoch(self._epoch + 1)
        self._know(KnownShare(share.share_pubkey, validator, seat.committee_id, may_sign_from, is_active=True))
        self._new.append(share)
        return Added(True, may_sign_from, changed)

    def write(self, keys: ShareKeys, clock: Slot) -> None:
        """Write committees, records and shares."""
        for seat in self._new_seats:
            committees.put(self._connection, seat)
        if not self._new:
            return
        self._raise_records(clock)
        rows = [
            ShareRow(
                share.validator_pubkey,
                share.share_pubkey,
                share.seat.committee_id,
                Epoch(self._epoch + 1),
                keys.seal(share.validator_pubkey, share.share_pubkey, share.secret),
            )
            for share in self._new
        ]
        shares.put_active(self._connection, rows)

    def _raise_records(self, clock: Slot) -> None:
        # its own record first: at an equal height its root is the one that may be signed again
        ever = {
            share.share_pubkey: [
                share.share_pubkey,
                *(each.share_pubkey for each in self._of_validator[share.validator_pubkey]),
            ]
            for share in self._new
        }
        asked = list(dict.fromkeys(key for keys in ever.values() for key in keys))
        votes, blocks = watermarks.attestations(self._connection, asked), watermarks.proposals(self._connection, asked)
        attested: dict[BlsPublicKey, AttestationRecord] = {}
        proposed: dict[BlsPublicKey, ProposalRecord] = {}
        for key, keys in ever.items():
            vote, proposal = votes.get(key), blocks.get(key)
            for other in keys:
                vote = _higher_attestation(vote, votes.get(other))
                proposal = _higher_proposal(proposal, blocks.get(other))
            attested[key] = attestation.raised(vote, self._epoch)
            proposed[key] = block.raised(proposal, clock)
        watermarks.put_attestations(self._connection, attested)
        watermarks.put_proposals(self._connection, proposed)

    def _know(self, known: KnownShare) -> None:
        self._by_key[known.share_pubkey] = known
        self._of_validator.setdefault(known.validator_pubkey, []).append(known)


def _higher_attestation(one: AttestationRecord | None, other: AttestationRecord | None) -> AttestationRecord | None:
    if one is None or other is None:
        return one or other
    source, target = max(one.source, other.source), max(one.target, other.target)
    return AttestationRecord(source, target, one.signing_root if target == one.target else None)


def _higher_proposal(one: ProposalRecord | None, other: ProposalRecord | None) -> ProposalRecord | None:
    if one is None or other is None:
        return one or other
    return one if one.slot >= other.slot else ProposalRecord(other.slot)
