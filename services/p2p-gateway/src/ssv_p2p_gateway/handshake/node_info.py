"""What a node tells of itself: its network, versions and subnets.

    {"Entries": ["", "0x<domain>", "{…metadata…}"]}

The first entry is not used any more; the third may be missing. Subnets are a bitmap of 16 bytes in hex, the lowest bit
of the first byte first.

Source: ssvlabs/ssv network/records (node_info, metadata), network/commons/subnets.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from ssv_p2p_gateway.handshake.errors import HandshakeError, HandshakeReason
from ssv_protocol.types.ids import DomainType
from ssv_protocol.validation.topology import TOPIC_COUNT

_BITMAP_BYTES = TOPIC_COUNT // 8
_DOMAIN_BYTES = 4


@dataclass(frozen=True, slots=True)
class NodeInfo:
    """One node. `subnets` is None where it does not say: then they are not known, not none."""

    domain: DomainType
    node_version: str = ""
    execution_node: str = ""
    consensus_node: str = ""
    subnets: frozenset[int] | None = None

    def encode(self) -> bytes:
        """Return the JSON, with all three entries."""
        metadata = _Metadata(
            self.node_version, self.execution_node, self.consensus_node, subnets_to_hex(self.subnets or ())
        )
        entries = ["", f"0x{self.domain.hex()}", msgspec.json.encode(metadata).decode()]
        return msgspec.json.encode(_Record(entries))

    @classmethod
    def decode(cls, data: bytes) -> NodeInfo:
        """Return what the JSON says.

        Raises:
            HandshakeError: UNREADABLE.
        """
        try:
            entries = msgspec.json.decode(data, type=_Record).entries
            domain = _domain(entries[1])
            if len(entries) < 3:
                return cls(domain)
            metadata = msgspec.json.decode(entries[2], type=_Metadata)
            subnets = subnets_from_hex(metadata.subnets)
        except (msgspec.DecodeError, ValueError, IndexError, RecursionError) as error:
            raise HandshakeError(HandshakeReason.UNREADABLE, type(error).__name__) from None
        return cls(domain, metadata.node_version, metadata.execution_node, metadata.consensus_node, subnets)


def subnets_to_hex(subnets: Iterable[int]) -> str:
    """Return the bitmap of subnets, 32 hex digits."""
    bits = 0
    for subnet in subnets:
        bits |= 1 << subnet
    return bits.to_bytes(_BITMAP_BYTES, "little").hex()


def subnets_from_hex(text: str) -> frozenset[int]:
    """Return the subnets of a bitmap; raises ValueError unless it has 32 hex digits."""
    if len(text) != 2 * _BITMAP_BYTES:
        raise ValueError(f"{len(text)} digits of subnets")
    bits = int.from_bytes(bytes.fromhex(text), "little")
    return frozenset(subnet for subnet in range(TOPIC_COUNT) if bits >> subnet & 1)


class _Record(msgspec.Struct, rename={"entries": "Entries"}):
    entries: list[str]


class _Metadata(
    msgspec.Struct,
    rename={
        "node_version": "NodeVersion",
        "execution_node": "ExecutionNode",
        "consensus_node": "ConsensusNode",
        "subnets": "Subnets",
    },
):
    node_version: str = ""
    execution_node: str = ""
    consensus_node: str = ""
    subnets: str = ""


def _domain(text: str) -> DomainType:
    domain = bytes.fromhex(text.removeprefix("0x"))
    if len(domain) != _DOMAIN_BYTES:
        raise ValueError(f"a domain of {len(domain)} bytes")
    return DomainType(domain)
