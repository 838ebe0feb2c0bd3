"""What the beacon node found valid though no block tells of it: aggregates and contributions, by who made them.

The node prints a line for each (`devnet/beacon/lib/network.mjs`), where any other node would tell its peers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ssv_devnet.observer import Vote
from ssv_devnet.selected import Contribution
from ssv_protocol.types.ids import Slot, ValidatorIndex

_AGGREGATE = re.compile(r" accepted aggregate slot=(\d+) validator=(\d+)$", re.MULTILINE)
_CONTRIBUTION = re.compile(r" accepted contribution slot=(\d+) validator=(\d+) subcommittee=(\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Accepted:
    """Aggregates by slot and aggregator, contributions by subcommittee too."""

    aggregates: frozenset[Vote] = frozenset()
    contributions: frozenset[Contribution] = frozenset()


def read_accepted(log: str) -> Accepted:
    """Return what the beacon node's output says that it accepted."""
    return Accepted(
        frozenset((Slot(int(slot)), ValidatorIndex(int(index))) for slot, index in _AGGREGATE.findall(log)),
        frozenset(
            (Slot(int(slot)), ValidatorIndex(int(index)), int(subcommittee))
            for slot, index, subcommittee in _CONTRIBUTION.findall(log)
        ),
    )
