"""UDP endpoints, and what an address says about who may be behind it.

An IPv4 address mapped into IPv6 is the IPv4 address: one peer never has two names.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

IPAddress = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a datagram comes from or goes to."""

    ip: IPAddress
    port: int

    @classmethod
    def of(cls, host: str, port: int) -> "Endpoint":
        """Return the endpoint of a numeric host, as a socket gives it; raises ValueError for a name."""
        return cls(plain(ip_address(host.partition("%")[0])), port)

    def __str__(self) -> str:
        return f"[{self.ip}]:{self.port}" if self.ip.version == 6 else f"{self.ip}:{self.port}"


def plain(ip: IPAddress) -> IPAddress:
    """Return the IPv4 address inside a mapped one, any other as it is."""
    mapped = ip.ipv4_mapped if isinstance(ip, IPv6Address) else None
    return mapped if mapped is not None else ip


def neighbourhood(ip: IPAddress) -> tuple[int, int]:
    """Return a name for the network that one owner can be assumed to hold: /24 of IPv4, /64 of IPv6."""
    return ip.version, int(ip) >> (8 if ip.version == 4 else 64)


def is_local(ip: IPAddress) -> bool:
    """Tell whether an address is of this host or of a private network, where one owner having many is no attack."""
    return ip.is_loopback or ip.is_private or ip.is_link_local


def relayable(teller: IPAddress, told: IPAddress) -> bool:
    """Tell whether a node at `teller` may name `told` to others, or be told of it.

    Addresses of a host or a private network make sense only inside it; a stranger that names them would have
    us knock at our own neighbours' doors.
    """
    if told.is_unspecified or told.is_multicast or told == IPv4Address("255.255.255.255"):
        return False
    if told.is_loopback:
        return teller.is_loopback
    return not is_local(told) or is_local(teller)
