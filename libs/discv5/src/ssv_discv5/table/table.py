"""The table: 256 buckets, bounded in all directions, without I/O or clock.

Nodes enter unverified and are told to others only after they answered. A node whose record moved to another
endpoint is unverified again.

Source: discv5-theory.md, *Node Table*.
"""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from random import Random

from ssv_discv5.endpoint import Endpoint, relayable
from ssv_discv5.enr.record import Record
from ssv_discv5.ids import MAX_DISTANCE, NodeId, distance, log_distance
from ssv_discv5.table.address_limits import AddressCount, AddressLimits
from ssv_discv5.table.bucket import Bucket
from ssv_discv5.table.entry import Entry


@dataclass(frozen=True, slots=True)
class TableSettings:
    """How often a node's liveness is checked, on average, and again after it did not answer."""

    check_interval_s: float = 300.0
    recheck_s: float = 10.0
    addresses: AddressLimits = field(default_factory=AddressLimits)


class Table:
    """The nodes that we know, reached over one version of IP."""

    def __init__(self, own_id: NodeId, ip_version: int, settings: TableSettings, random: Random) -> None:
        self._own_id = own_id
        self._ip_version = ip_version
        self._settings = settings
        self._random = random
        self._buckets = [Bucket() for _ in range(MAX_DISTANCE + 1)]  # the first, of distance 0, stays empty
        self._count = AddressCount(settings.addresses)
        self._next_due = float("inf")  # no member is due before this

    def get(self, node_id: NodeId) -> Record | None:
        """Return the newest record of a node in the table or waiting for a place."""
        entry = self._bucket(node_id).get(node_id)
        return None if entry is None else entry.record

    def add(self, record: Record, now: float) -> bool:
        """Take a node, or a newer record of one; return whether it is in the table or waits for a place."""
        endpoint = record.endpoint(self._ip_version)
        if record.node_id == self._own_id or endpoint is None:
            return False
        bucket = self._bucket(record.node_id)
        present = bucket.get(record.node_id)
        if present is not None:
            return self._renew(bucket, present, record, endpoint, now)
        if not self._count.has_room(endpoint.ip, bucket.everybody()):
            return False
        self._count.entered(endpoint.ip)
        self._next_due = min(self._next_due, now)
        displaced = bucket.add(Entry(record, endpoint, now))
        if displaced is not None:
            self._count.left(displaced.endpoint.ip)
        return True

    def answered(self, node_id: NodeId, now: float) -> None:
        """Note that a node answered at its record's endpoint."""
        bucket = self._bucket(node_id)
        entry = bucket.get(node_id)
        if entry is not None:
            entry.answered()
            entry.check_at = now + self._settings.check_interval_s * self._random.uniform(0.5, 1.5)
            self._next_due = min(self._next_due, entry.check_at)
            bucket.touch(node_id)

    def missed(self, node_id: NodeId, now: float) -> None:
        """Note that a node did not answer: it goes when it has no credit."""
        entry = self._bucket(node_id).get(node_id)
        if entry is None:
            return
        if entry.missed():
            self.remove(node_id)
        else:
            entry.check_at = now + self._settings.recheck_s
            self._next_due = min(self._next_due, entry.check_at)

    def remove(self, node_id: NodeId) -> None:
        """Remove a node."""
        removed = self._bucket(node_id).remove(node_id)
        if removed is not None:
            self._next_due = float("-inf")  # who takes its place may be overdue
            self._count.left(removed.endpoint.ip)

    def check_soon(self, node_id: NodeId, now: float) -> None:
        """Have a node checked next, since its record is said to have changed."""
        entry = self._bucket(node_id).get(node_id)
        if entry is not None:
            entry.check_at = min(entry.check_at, now)
            self._next_due = min(self._next_due, now)

    def check_all_soon(self, now: float) -> None:
        """Have every node checked: a PING tells it our record's new number."""
        self._next_due = now
        for entry in self:
            entry.check_at = min(entry.check_at, now)

    def due(self, now: float) -> Entry | None:
        """Return the member that is overdue for longest, and put its next check off."""
        if now < self._next_due:
            return None
        entry = min(self, key=lambda entry: entry.check_at, default=None)
        if entry is None or entry.check_at > now:
            self._next_due = float("inf") if entry is None else entry.check_at
            return None
        entry.check_at = now + self._settings.recheck_s
        return entry

    def closest(self, target: NodeId, count: int) -> list[Record]:
        """Return the members closest to an id, the closest first."""
        nearest = heapq.nsmallest(count, self, key=lambda entry: distance(entry.node_id, target))
        return [entry.record for entry in nearest]

    def tell(self, distances: Iterable[int], to: Endpoint, limit: int) -> list[Record]:
        """Return live members at log distances from us that the node at `to` may be told of."""
        chosen: list[Record] = []
        for log in dict.fromkeys(distances):
            if not 0 < log <= MAX_DISTANCE:
                continue
            live = [entry for entry in self._buckets[log] if entry.live and relayable(to.ip, entry.endpoint.ip)]
            self._random.shuffle(live)
            chosen += [entry.record for entry in live]
        return chosen[:limit]

    def __iter__(self) -> Iterator[Entry]:
        for bucket in self._buckets:
            yield from bucket

    def __len__(self) -> int:
        return sum(map(len, self._buckets))

    def _bucket(self, node_id: NodeId) -> Bucket:
        return self._buckets[log_distance(self._own_id, node_id)]

    def _renew(self, bucket: Bucket, entry: Entry, record: Record, endpoint: Endpoint, now: float) -> bool:
        if record.seq <= entry.record.seq:
            return True
        if endpoint != entry.endpoint:
            others = (other for other in bucket.everybody() if other is not entry)
            self._count.left(entry.endpoint.ip)
            if not self._count.has_room(endpoint.ip, others):
                self._count.entered(entry.endpoint.ip)
                self.remove(record.node_id)
                return False
            self._count.entered(endpoint.ip)
            entry.endpoint, entry.credits, entry.check_at = endpoint, 0, now
            self._next_due = min(self._next_due, now)
        entry.record = record
        return True
