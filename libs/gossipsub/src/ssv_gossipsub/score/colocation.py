"""P6: how many peers share an address.

Source: GossipSub v1.1, "The Score Function", P6. Peers that left are counted as long as they are remembered: else
leaving and coming back under another id would free the place. A caller that wants whole IPv6 networks to count gives
the /64 as a second address of the peer.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address

from ssv_gossipsub.score.parameters import ScoreParameters


class SharedAddress:
    """One address, seen by the records of all peers there: a newcomer costs the same however many there are."""

    __slots__ = ("address", "exempt", "peers", "surplus")

    def __init__(self, address: str, exempt: bool) -> None:
        self.address = address
        self.exempt = exempt
        self.peers = 0
        self.surplus = 0.0
        """The squared number of peers above the threshold."""

    def add(self, peers: int, threshold: int) -> None:
        """Count peers that came, or left when negative."""
        self.peers += peers
        self.surplus = 0.0 if self.exempt else float(max(0, self.peers - threshold)) ** 2


class Colocation:
    """Peers by address."""

    def __init__(self, parameters: ScoreParameters) -> None:
        self._threshold = parameters.ip_colocation_threshold
        self._whitelist = parameters.ip_colocation_whitelist
        self._addresses: dict[str, SharedAddress] = {}

    def move(self, before: Iterable[SharedAddress], addresses: Iterable[str]) -> tuple[SharedAddress, ...]:
        """Take a peer from the addresses it had to those it has now, which are returned."""
        after = []
        for address in sorted(set(addresses)):
            shared = self._addresses.get(address)
            if shared is None:
                shared = self._addresses[address] = SharedAddress(address, self._whitelisted(address))
            shared.add(1, self._threshold)
            after.append(shared)
        for shared in before:
            shared.add(-1, self._threshold)
            if not shared.peers:
                del self._addresses[shared.address]
        return tuple(after)

    def _whitelisted(self, address: str) -> bool:
        if not self._whitelist:
            return False
        try:
            known = ip_address(address)
        except ValueError:
            return False
        return any(known in network for network in self._whitelist)
