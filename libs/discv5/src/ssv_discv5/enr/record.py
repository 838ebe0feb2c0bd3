"""A node record: signed key/value pairs of at most 300 bytes.

A `Record` is always one whose signature was verified or made here; there is no unverified one. Keys that we do not
know are kept as they are, so a record is relayed byte for byte. A pre-defined key with a value of the wrong size
reads as absent: the record is still validly signed and the rest of it is of use.

Source: EIP-778.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from itertools import pairwise
from types import MappingProxyType

from eth_hash.auto import keccak

from ssv_discv5 import rlp
from ssv_discv5.endpoint import Endpoint
from ssv_discv5.errors import MalformedError, OversizeError
from ssv_discv5.identity import PrivateKey, node_id_of, verify
from ssv_discv5.ids import NodeId
from ssv_discv5.rlp import Item

MAX_SIZE = 300
SCHEME = b"v4"
_SEQ_SIZE = 8
_KNOWN_RECORDS = 2048


@dataclass(frozen=True, slots=True)
class Record:
    """What a node says of itself: `seq` grows with every change, `pairs` hold RLP items by key."""

    node_id: NodeId
    public_key: bytes
    seq: int
    pairs: Mapping[bytes, Item] = field(hash=False, repr=False)
    raw: bytes = field(repr=False)

    @classmethod
    def sign(cls, key: PrivateKey, seq: int, pairs: Mapping[bytes, Item]) -> "Record":
        """Return a record of `pairs` (without `id` and the public key, which are added), signed.

        Raises OversizeError above 300 bytes.
        """
        whole = dict(sorted({**pairs, b"id": SCHEME, b"secp256k1": key.public_key}.items()))
        content = _content(seq, whole)
        raw = rlp.encode((key.sign(keccak(rlp.encode(content))), *content))
        if len(raw) > MAX_SIZE:
            raise OversizeError(f"a record of {len(raw)} bytes; {MAX_SIZE} is the most")
        return cls(key.node_id, key.public_key, seq, MappingProxyType(whole), raw)

    @classmethod
    def decode(cls, raw: bytes) -> "Record":
        """Return the record that `raw` encodes, its signature verified; raises MalformedError."""
        if len(raw) > MAX_SIZE:
            raise MalformedError("a record above 300 bytes")
        return _decode(raw)

    def get(self, key: bytes) -> bytes | None:
        """Return the byte string under a key, None when absent or a list."""
        value = self.pairs.get(key)
        return value if isinstance(value, bytes) else None

    @property
    def ip(self) -> IPv4Address | None:
        """The IPv4 address."""
        value = self.get(b"ip")
        return IPv4Address(value) if value is not None and len(value) == 4 else None

    @property
    def ip6(self) -> IPv6Address | None:
        """The IPv6 address."""
        value = self.get(b"ip6")
        return IPv6Address(value) if value is not None and len(value) == 16 else None

    @property
    def udp(self) -> int | None:
        """The discovery port."""
        return self._port(b"udp")

    @property
    def tcp(self) -> int | None:
        """The port of the application's transport."""
        return self._port(b"tcp")

    @property
    def udp6(self) -> int | None:
        """The discovery port over IPv6, which is `udp` unless said otherwise."""
        return self._port(b"udp6") or self.udp

    @property
    def tcp6(self) -> int | None:
        """The transport's port over IPv6, which is `tcp` unless said otherwise."""
        return self._port(b"tcp6") or self.tcp

    def endpoint(self, ip_version: int) -> Endpoint | None:
        """Return where discovery reaches the node over IPv4 (4) or IPv6 (6)."""
        ip, port = (self.ip, self.udp) if ip_version == 4 else (self.ip6, self.udp6)
        return Endpoint(ip, port) if ip is not None and port is not None else None

    def _port(self, key: bytes) -> int | None:
        value = self.get(key)
        if value is None or not 0 < len(value) <= 2 or value[0] == 0:
            return None
        return int.from_bytes(value, "big")


@lru_cache(maxsize=_KNOWN_RECORDS)
def _decode(raw: bytes) -> Record:
    """Decode and verify; the same few records come again in every lookup, so what was good is remembered."""
    signature, *content = rlp.as_list(rlp.decode(raw)) or (b"",)
    if len(content) % 2 != 1:
        raise MalformedError("a record without a sequence number or with a key alone")
    seq = rlp.decode_uint(content[0], _SEQ_SIZE)
    keys = [rlp.as_bytes(key) for key in content[1::2]]
    if any(a >= b for a, b in pairwise(keys)):
        raise MalformedError("a record's keys are unsorted or double")
    pairs = dict(zip(keys, content[2::2], strict=True))
    if pairs.get(b"id") != SCHEME:
        raise MalformedError("a record of an unknown identity scheme")
    public_key = rlp.as_bytes(pairs.get(b"secp256k1", b""))
    digest = keccak(rlp.encode(tuple(content)))
    if not verify(public_key, digest, rlp.as_bytes(signature)):
        raise MalformedError("a record's signature is not of its key")
    return Record(node_id_of(public_key), public_key, seq, MappingProxyType(pairs), raw)


def _content(seq: int, pairs: Mapping[bytes, Item]) -> tuple[Item, ...]:
    flat: list[Item] = [rlp.encode_uint(seq)]
    for key, value in pairs.items():
        flat += (key, value)
    return tuple(flat)
