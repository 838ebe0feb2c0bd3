"""How many nodes of one network may be in a bucket and in the table, against many identities of one owner.

Replacements count as members do, else one address could wait in all places. Addresses of a private network are
exempt by default, since there one owner is the rule.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from ssv_discv5.endpoint import IPAddress, is_local, neighbourhood
from ssv_discv5.table.entry import Entry


@dataclass(frozen=True, slots=True)
class AddressLimits:
    """How many of one /24 (IPv4) or /64 (IPv6) are allowed."""

    per_bucket: int = 2
    per_table: int = 10
    limit_local: bool = False


class AddressCount:
    """How many nodes of each network the table holds."""

    def __init__(self, limits: AddressLimits) -> None:
        self._limits = limits
        self._table: Counter[tuple[int, int]] = Counter()

    def has_room(self, ip: IPAddress, bucket: Iterable[Entry]) -> bool:
        """Tell whether another node at `ip` may enter the bucket."""
        if is_local(ip) and not self._limits.limit_local:
            return True
        near = neighbourhood(ip)
        if self._table[near] >= self._limits.per_table:
            return False
        return sum(neighbourhood(entry.endpoint.ip) == near for entry in bucket) < self._limits.per_bucket

    def entered(self, ip: IPAddress) -> None:
        """Count a node that came."""
        self._table[neighbourhood(ip)] += 1

    def left(self, ip: IPAddress) -> None:
        """Count a node that went."""
        near = neighbourhood(ip)
        self._table[near] -= 1
        if self._table[near] <= 0:
            del self._table[near]
