"""What is on record as said for committees, to be signed again: a successor publishes it and goes on from there.

Signatures are deterministic, so what is signed again is what was signed, or what was about to be. Nothing new can come
of it, so whoever may ask for signatures may ask for this, with or without a lease.

Left out: a batch of which a share is held no more. Source: architecture §5.2, §6.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ssv_protocol.forks import Network
from ssv_protocol.types.ids import BlsPublicKey, CommitteeId, MessageId, Slot
from ssv_protocol.types.message_id import COMMITTEE_ROLES, committee_of, duty_executor, message_role
from ssv_protocol.types.roles import PartialSignatureType
from ssv_signer.share_keys import ShareKeys
from ssv_signer.store import batches, committees, consensus, shares
from ssv_signer.store.database import Connection
from ssv_signer.work import BatchWork, EnvelopeWork, Work


def entries(
    connection: Connection, share_keys: ShareKeys, network: Network, wanted: Collection[CommitteeId], since: Slot
) -> list[Work]:
    """Return the messages of committees for slots from `since` on: by slot, each duty's in the order of its phases."""
    journal = _Journal(connection, share_keys, network, wanted)
    places = [*batches.places(connection, since), *((*place, None) for place in consensus.places(connection, since))]
    by_duty = sorted(places, key=lambda place: (place[0], place[1], _phase(place[2])))
    return [work for slot, message_id, kind in by_duty for work in journal.read(slot, message_id, kind)]


class _Journal:
    def __init__(
        self, connection: Connection, share_keys: ShareKeys, network: Network, wanted: Collection[CommitteeId]
    ) -> None:
        self._connection, self._share_keys, self._network = connection, share_keys, network
        rows = [row for committee in wanted for row in shares.active(connection, committee)]
        self._committee_of = {row.validator_pubkey: row.committee for row in rows}
        self._wanted = {row.committee for row in rows}

    def read(self, slot: Slot, message_id: MessageId, kind: PartialSignatureType | None) -> Iterator[Work]:
        committee = self._committee(message_id)
        seat = committees.member(self._connection, committee, self._network.domain_at(slot)) if committee else None
        if committee is None or seat is None:
            return
        if kind is None:
            for message in consensus.said(self._connection, message_id, slot):
                yield EnvelopeWork(committee, seat.operator_id, message)
            return
        record = batches.record(self._connection, message_id, slot, kind)
        keys = [item.share_pubkey for item in record.items] if record is not None else []
        rows = shares.by_keys(self._connection, keys)
        if record is not None and len(rows) == len(set(keys)):
            work = BatchWork(committee, seat.operator_id, message_id, record)
            yield self._share_keys.equip(self._connection, work, rows)

    def _committee(self, message_id: MessageId) -> CommitteeId | None:
        if message_role(message_id) in COMMITTEE_ROLES:
            committee = committee_of(message_id)
            return committee if committee in self._wanted else None
        return self._committee_of.get(BlsPublicKey(duty_executor(message_id)))


def _phase(kind: PartialSignatureType | None) -> int:
    if kind is None:
        return 1
    return 2 if kind == PartialSignatureType.POST_CONSENSUS else 0
