"""The answer to a FINDNODE: several NODES messages out, several in.

A record that is malformed, of another distance than asked for, or of an address its teller has no business to
relay is left out; the rest of the answer stands.

Source: discv5-wire.md, *FINDNODE Request*, *NODES Response*.
"""

from collections.abc import Iterable, Sequence

from ssv_discv5.endpoint import Endpoint, relayable
from ssv_discv5.enr.record import Record
from ssv_discv5.errors import MalformedError
from ssv_discv5.ids import NodeId, RequestId, log_distance
from ssv_discv5.wire import message
from ssv_discv5.wire.authdata import ORDINARY_SIZE
from ssv_discv5.wire.message import Nodes
from ssv_discv5.wire.packet import room_for_message

MAX_MESSAGES = 16
MAX_RECORDS = 32
RESULT_LIMIT = 16
_TOTAL_SIZE = 1  # an answer of 16 records has less than 128 messages: its RLP is one byte


class NodesAnswer:
    """Collects what a peer answers to one FINDNODE."""

    __slots__ = ("_distances", "_heard", "_records", "_teller", "_teller_id")

    def __init__(self, teller_id: NodeId, teller: Endpoint, distances: Iterable[int]) -> None:
        self._teller_id = teller_id
        self._teller = teller
        self._distances = frozenset(distances)
        self._records: dict[NodeId, Record] = {}
        self._heard = 0

    def add(self, part: Nodes) -> bool:
        """Take one message; return whether it was the last."""
        self._heard += 1
        for raw in part.records:
            if len(self._records) < MAX_RECORDS:
                self._keep(raw)
        return self._heard >= min(part.total, MAX_MESSAGES)

    @property
    def heard(self) -> bool:
        """Tell whether anything has come."""
        return self._heard > 0

    @property
    def records(self) -> tuple[Record, ...]:
        """Return the good records so far."""
        return tuple(self._records.values())

    def _keep(self, raw: bytes) -> None:
        try:
            record = Record.decode(raw)
        except MalformedError:
            return
        if log_distance(self._teller_id, record.node_id) not in self._distances:
            return
        if record.node_id != self._teller_id and not _may_tell(self._teller, record):
            return
        self._records[record.node_id] = record


def _may_tell(teller: Endpoint, record: Record) -> bool:
    ip = record.ip or record.ip6
    return ip is not None and relayable(teller.ip, ip)


def pack(request_id: RequestId, records: Sequence[Record]) -> list[Nodes]:
    """Return the NODES messages that tell of `records`, each fitting into a packet; one empty one for none."""
    empty = len(message.encode(Nodes(request_id, 1, ())))
    room = room_for_message(ORDINARY_SIZE) - empty - 2 * _TOTAL_SIZE - 4  # two list headers may grow by 2 bytes each
    groups: list[list[bytes]] = [[]]
    used = 0
    for record in records:
        if used + len(record.raw) > room:
            groups.append([])
            used = 0
        groups[-1].append(record.raw)
        used += len(record.raw)
    return [Nodes(request_id, len(groups), tuple(group)) for group in groups]
