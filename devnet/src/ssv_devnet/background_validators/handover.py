"""Which validators this client still runs.

A validator given to SSV is released from an epoch on: before it the client does all its duties, from then on SSV
does, and never both in one epoch.
"""

from __future__ import annotations

from collections.abc import Iterable

from ssv_protocol.types.ids import Epoch, ValidatorIndex


class Handover:
    """Validators by the epoch from which somebody else runs them."""

    def __init__(self) -> None:
        self._released_from: dict[ValidatorIndex, Epoch] = {}

    def release(self, indices: Iterable[ValidatorIndex], from_epoch: Epoch) -> None:
        """Stop running `indices` from `from_epoch` on. An earlier release stays: keys never come back."""
        for index in indices:
            self._released_from[index] = min(from_epoch, self._released_from.get(index, from_epoch))

    def runs(self, index: ValidatorIndex, epoch: Epoch) -> bool:
        """Tell whether the validator's duties of `epoch` are this client's."""
        released_from = self._released_from.get(index)
        return released_from is None or epoch < released_from


def parse_indices(text: str) -> tuple[ValidatorIndex, ...]:
    """Return the validators of a list such as `3,16-31`; raises ValueError."""
    indices: list[ValidatorIndex] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        span = range(int(first), int(last if dash else first) + 1)
        if not span:
            raise ValueError(f"{part!r} is an empty range")
        indices.extend(map(ValidatorIndex, span))
    return tuple(indices)


def parse_release(line: str) -> tuple[tuple[ValidatorIndex, ...], Epoch]:
    """Return what a command `release 16-31 5` says: validators and epoch; raises ValueError."""
    match line.split():
        case ["release", indices, epoch]:
            return parse_indices(indices), Epoch(int(epoch))
        case _:
            raise ValueError(f"expected `release <indices> <epoch>`, not {line.strip()[:80]!r}")
