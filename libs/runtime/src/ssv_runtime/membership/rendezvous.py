"""Rendezvous hashing: everybody who knows the same members ranks them the same for a key, with nobody to ask.

Invariant: who leaves hands its keys to the next in each key's order, and no key moves between those who stay.

Source: D. Thaler, C. Ravishankar, "A Name-Based Mapping Scheme for Rendezvous" (1996).
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256


def ranked(key: str, members: Iterable[str]) -> list[str]:
    """Return the members in the order in which `key` prefers them."""
    return sorted(members, key=lambda member: (_score(key, member), member), reverse=True)


def _score(key: str, member: str) -> bytes:
    # the length keeps a key that ends like a member's name apart
    return sha256(f"{len(member)}:{member}:{key}".encode()).digest()
