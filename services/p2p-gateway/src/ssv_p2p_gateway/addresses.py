"""Addresses of hosts and peers as text: multiaddrs over TCP, which is all that the network speaks."""

from __future__ import annotations

from collections.abc import Iterable

from libp2p.peer.peerinfo import PeerInfo, info_from_p2p_addr
from multiaddr import Multiaddr


def listen_address(text: str) -> Multiaddr:
    """Return where to listen; raises ValueError when `text` is no multiaddr of a TCP port."""
    try:
        address = Multiaddr(text)
        port = address.value_for_protocol("tcp")
    except Exception:  # the library raises many kinds
        raise ValueError("not a multiaddr like /ip4/127.0.0.1/tcp/13001") from None
    if port is None or "/p2p/" in text:
        raise ValueError("not a multiaddr like /ip4/127.0.0.1/tcp/13001")
    return address


def discovery_address(text: str) -> tuple[str, int]:
    """Return IP address and UDP port to listen on; raises ValueError when `text` is no multiaddr of them."""
    try:
        address = Multiaddr(text)
        port, ips = address.value_for_protocol("udp"), ip_addresses([address])
    except Exception:  # the library raises many kinds
        raise ValueError("not a multiaddr like /ip4/127.0.0.1/udp/12001") from None
    if port is None or not ips:
        raise ValueError("not a multiaddr like /ip4/127.0.0.1/udp/12001")
    return ips[0], int(port)


def peer_address(text: str) -> PeerInfo:
    """Return the peer at a multiaddr; raises ValueError when it is none, or names no peer id."""
    try:
        address = Multiaddr(text)
        address.value_for_protocol("tcp")
        return info_from_p2p_addr(address)
    except Exception:  # the library raises many kinds
        raise ValueError("not a multiaddr like /ip4/127.0.0.1/tcp/13001/p2p/16Uiu2…") from None


def ip_addresses(addresses: Iterable[Multiaddr]) -> list[str]:
    """Return the IP addresses in multiaddrs."""
    return [value for address in addresses for name in ("ip4", "ip6") if (value := _value(address, name))]


def _value(address: Multiaddr, protocol: str) -> str | None:
    try:
        return str(address.value_for_protocol(protocol))
    except Exception:  # the library raises when it is not there
        return None
