"""What an SSV node says in its record, and what of it makes a peer worth dialling.

    ssv = 01   subnets = 16 bytes, lowest bit of the first byte first   domaintype, next_domaintype = 4 bytes

A record is signed, but says what its node likes: the handshake and the gossip after it show what is true.

Source: ssvlabs/ssv network/records (entries), network/discovery.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from libp2p.crypto.secp256k1 import Secp256k1PublicKey
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import PeerInfo
from multiaddr import Multiaddr

from ssv_discv5 import Record
from ssv_discv5.endpoint import IPAddress, relayable
from ssv_p2p_gateway.handshake.node_info import subnets_from_hex, subnets_to_hex
from ssv_protocol.forks import Network
from ssv_protocol.types.ids import DomainType, Slot

SSV, SUBNETS, DOMAIN, NEXT_DOMAIN = b"ssv", b"subnets", b"domaintype", b"next_domaintype"
_TRUE = b"\x01"


@dataclass(frozen=True, slots=True)
class Found:
    """A node of a record: where it is, and what it listens to."""

    info: PeerInfo
    ip: IPAddress
    domain: DomainType
    subnets: frozenset[int]

    @property
    def peer_id(self) -> ID:
        """The peer id, which is of the key that signed the record."""
        return self.info.peer_id


def own_pairs(network: Network, slot: Slot, subnets: Iterable[int], tcp_port: int) -> Mapping[bytes, bytes]:
    """Return what we say of ourselves during `slot`, but for the address."""
    return {
        SSV: _TRUE,
        SUBNETS: bytes.fromhex(subnets_to_hex(subnets)),
        DOMAIN: network.domain_at(slot),
        NEXT_DOMAIN: next_domain(network, slot),
        b"tcp": tcp_port.to_bytes(2, "big").lstrip(b"\x00"),
    }


def next_domain(network: Network, slot: Slot) -> DomainType:
    """Return the domain after the fork that is scheduled, the present one without any."""
    ssv = network.ssv
    if ssv.boole_epoch is not None and ssv.boole_domain is not None:
        return ssv.boole_domain
    return network.domain_at(slot)


def found(record: Record) -> Found | None:
    """Return the SSV node of a record; None when it is of another kind, or does not say where and what it is."""
    subnets, domain = record.get(SUBNETS), record.get(DOMAIN)
    if record.get(SSV) != _TRUE or subnets is None or domain is None or len(domain) != 4:
        return None
    place = _place(record)
    try:
        listened = subnets_from_hex(subnets.hex())
    except ValueError:
        return None
    if place is None or not listened:
        return None
    ip, port = place
    peer_id = ID.from_pubkey(Secp256k1PublicKey.from_bytes(record.public_key))
    address = Multiaddr(f"/ip{ip.version}/{ip}/tcp/{port}")
    return Found(PeerInfo(peer_id, [address]), ip, DomainType(domain), listened)


def may_reach(ours: IPAddress, theirs: IPAddress) -> bool:
    """Tell whether we may dial an address that a stranger names.

    A node on loopback stays there, and one on the internet does not knock at doors of its own network.
    """
    if ours.is_unspecified:
        return theirs.is_global
    if ours.is_loopback != theirs.is_loopback:
        return False
    return relayable(ours, theirs)


def _place(record: Record) -> tuple[IPAddress, int] | None:
    if record.ip is not None and record.tcp is not None:
        return record.ip, record.tcp
    if record.ip6 is not None and record.tcp6 is not None:
        return record.ip6, record.tcp6
    return None
