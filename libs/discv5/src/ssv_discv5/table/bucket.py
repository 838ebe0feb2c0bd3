"""A k-bucket: at most 16 nodes, the one seen last at the end, and up to 10 that wait for a place.

Source: discv5-theory.md, *Node Table*, *Table Maintenance In Practice*.
"""

from collections.abc import Iterator

from ssv_discv5.ids import NodeId
from ssv_discv5.table.entry import Entry

BUCKET_SIZE = 16
MAX_REPLACEMENTS = 10


class Bucket:
    """The nodes at one log distance."""

    __slots__ = ("_members", "_replacements")

    def __init__(self) -> None:
        self._members: dict[NodeId, Entry] = {}
        self._replacements: dict[NodeId, Entry] = {}

    def get(self, node_id: NodeId) -> Entry | None:
        """Return a member or a replacement."""
        return self._members.get(node_id) or self._replacements.get(node_id)

    def add(self, entry: Entry) -> Entry | None:
        """Take a new entry as a member, or as a replacement when full; return the replacement that lost its place."""
        if len(self._members) < BUCKET_SIZE:
            self._members[entry.node_id] = entry
            return None
        self._replacements[entry.node_id] = entry
        if len(self._replacements) <= MAX_REPLACEMENTS:
            return None
        return self._replacements.pop(next(iter(self._replacements)))

    def touch(self, node_id: NodeId) -> None:
        """Move a node that was just seen to the end."""
        for place in (self._members, self._replacements):
            entry = place.pop(node_id, None)
            if entry is not None:
                place[node_id] = entry

    def remove(self, node_id: NodeId) -> Entry | None:
        """Remove a node; the replacement seen last takes a member's place. Return what was removed."""
        removed = self._members.pop(node_id, None)
        if removed is None:
            return self._replacements.pop(node_id, None)
        if self._replacements:
            promoted_id, promoted = self._replacements.popitem()
            self._members[promoted_id] = promoted
        return removed

    def everybody(self) -> Iterator[Entry]:
        """Return members and replacements."""
        yield from self._members.values()
        yield from self._replacements.values()

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._members.values())

    def __len__(self) -> int:
        return len(self._members)
