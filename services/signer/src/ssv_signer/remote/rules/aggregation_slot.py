"""AGGREGATION_SLOT: the proof that an attester is selected as aggregator, over a slot.

Source: consensus-specs phase0/validator.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ssz.sedes import uint64

from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.crypto.signing_root import DOMAIN_SELECTION_PROOF, compute_signing_root, uint64_root
from ssv_protocol.signing.watermarks import KeyRecord
from ssv_protocol.types.ids import Epoch, Root, Slot
from ssv_protocol.types.ssz import SszContainer
from ssv_signer.remote.errors import Refused
from ssv_signer.remote.rules.kind import View, kind


@dataclass(frozen=True, slots=True)
class AggregationSlot(SszContainer):
    """The slot that is signed."""

    slot: Annotated[Slot, uint64]


def epoch(chain: BeaconChain, item: AggregationSlot) -> Epoch:
    """Return the epoch whose fork it is signed under."""
    return chain.epoch_of(item.slot)


def signing_root(chain: BeaconChain, item: AggregationSlot) -> Root:
    """Return what is signed."""
    return compute_signing_root(uint64_root(item.slot), chain.domain(DOMAIN_SELECTION_PROOF, epoch(chain, item)))


def check(view: View, item: AggregationSlot, root: Root) -> KeyRecord | Refused:
    """Judge it by its time."""
    return view.too_early(epoch(view.chain, item)) or view.record


KIND = kind(
    "AGGREGATION_SLOT", "aggregation_slot", AggregationSlot, epoch=epoch, signing_root=signing_root, check=check
)
