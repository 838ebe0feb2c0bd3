"""How far an execution node can be relied on, and in which order nodes are asked. Pure: no clock, no request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from ssv_ethereum.execution.node import BlockHeader

LAG_TOLERANCE_BLOCKS = 5
"""Blocks that the head of a node in use may be behind others'."""


class Standing(IntEnum):
    """What the last look at a node showed; the better the lower."""

    GOOD = 0
    UNKNOWN = 1
    """Not looked at yet."""
    BEHIND = 2
    """Others have newer blocks."""
    DOWN = 3
    """It did not answer; it may by now."""
    DISAGREES = 4
    """It has another block than the others at a number where they should agree. It is not read while it does."""
    WRONG = 5
    """It is of another chain. It is never asked anything else."""

    @property
    def is_usable(self) -> bool:
        """Whether the node may be read at all."""
        return self < Standing.DISAGREES


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a node showed; `problem` says in words why it is not good, `head` is its newest block."""

    standing: Standing
    problem: str = ""
    head: BlockHeader | None = None


def newest_head(looks: Sequence[Look]) -> BlockHeader | None:
    """Return the newest block of the good nodes."""
    heads = [look.head for look in looks if look.standing is Standing.GOOD and look.head is not None]
    return max(heads, key=lambda head: head.number, default=None)


def lagging_marked(looks: Sequence[Look]) -> list[Look]:
    """Return the looks with those as behind whose head is behind the others' without their knowing it."""
    newest = newest_head(looks)
    if newest is None:
        return list(looks)
    return [
        replace(
            look,
            standing=Standing.BEHIND,
            problem=f"its head is block {look.head.number}, another's {newest.number}",
        )
        if look.standing is Standing.GOOD
        and look.head is not None
        and look.head.number + LAG_TOLERANCE_BLOCKS < newest.number
        else look
        for look in looks
    ]


def preferred_hash(hashes: Mapping[int, bytes], trusted: bytes | None) -> bytes:
    """Return which of the nodes' hashes of one block counts, by the nodes' places.

    Most nodes decide; where as many say one thing as another, `trusted`, which is what was followed so far, and then
    the node that is configured first.
    """
    votes = Counter(hashes.values())
    most = max(votes.values())
    best = [value for value in (hashes[place] for place in sorted(hashes)) if votes[value] == most]
    return trusted if trusted is not None and trusted in best else best[0]
