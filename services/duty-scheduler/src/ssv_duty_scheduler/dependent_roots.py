"""Which epochs' duties a head event makes doubtful.

Attester duties of epoch e hang on the last block before epoch e - 1. A head event of epoch e tells that block for e
(`previous`) and for e + 1 (`current`). Proposer duties hang on one of the two, by fork, so they are doubted with them.

Source: beacon-APIs, `getAttesterDuties`, `getProposerDuties`, eventstream `head`; consensus-specs, EIP-7917.
"""

from __future__ import annotations

from collections.abc import Mapping

from ssv_ethereum.beacon.events import HeadEvent
from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.types.ids import Epoch, Root, Slot


class DependentRoots:
    """Remembers the roots that the events told; each move is reported once."""

    def __init__(self, chain: BeaconChain) -> None:
        self._chain = chain
        self._roots: dict[Epoch, Root] = {}

    def moved(self, event: HeadEvent, fetched: Mapping[Epoch, Root]) -> set[Epoch]:
        """Return the epochs whose duties must be asked for again.

        `fetched` are the roots of the attester duties at hand: what they were computed for counts where no event has
        told another root before.
        """
        epoch = self._chain.epoch_of(Slot(event.slot))
        told = {
            epoch: Root(bytes(event.previous_duty_dependent_root)),
            Epoch(epoch + 1): Root(bytes(event.current_duty_dependent_root)),
        }
        moved = {each for each, root in told.items() if self._roots.get(each, fetched.get(each, root)) != root}
        self._roots = told
        return moved
