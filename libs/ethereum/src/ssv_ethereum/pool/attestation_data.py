"""Whose attestation data to take when nodes differ.

Source and target are what a vote can be slashed for and what the committee has to agree upon, so what most nodes say
of them counts; where they are even, the later checkpoints, because a node that lags names earlier ones. Among those the
newest head, which is worth most.

Pure. Not guaranteed: that the choice is right where most nodes are wrong; the committee's other operators and the
signer judge it again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ssv_protocol.types.beacon.attestation import AttestationData
from ssv_protocol.types.ids import Slot


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one node says; `head_slot` is the slot of the block it votes for, None when that is not known."""

    data: AttestationData
    head_slot: Slot | None = None


def best(opinions: Sequence[Opinion]) -> AttestationData:
    """Return the data to take; of equal ones the first. Raises ValueError without opinions."""
    checkpoints = Counter(_checkpoints(opinion) for opinion in opinions)
    heads = Counter(opinion.data.beacon_block_root for opinion in opinions)

    def worth(opinion: Opinion) -> tuple[int, int, int, int, int]:
        data = opinion.data
        return (
            checkpoints[_checkpoints(opinion)],
            data.target.epoch,
            data.source.epoch,
            -1 if opinion.head_slot is None else opinion.head_slot,
            heads[data.beacon_block_root],
        )

    return max(opinions, key=worth).data


def _checkpoints(opinion: Opinion) -> tuple[int, bytes, int, bytes]:
    source, target = opinion.data.source, opinion.data.target
    return source.epoch, bytes(source.root), target.epoch, bytes(target.root)
