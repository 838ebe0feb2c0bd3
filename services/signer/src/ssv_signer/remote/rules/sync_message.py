"""SYNC_COMMITTEE_MESSAGE: a member's vote for the head, over the block root itself. Not slashable.

Source: consensus-specs altair/validator.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ssz.sedes import bytes32, uint64

from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.crypto.signing_root import DOMAIN_SYNC_COMMITTEE, compute_signing_root
from ssv_protocol.signing.watermarks import KeyRecord
from ssv_protocol.types.ids import Epoch, Root, Slot
from ssv_protocol.types.ssz import SszContainer
from ssv_signer.remote.errors import Refused
from ssv_signer.remote.rules.kind import View, kind


@dataclass(frozen=True, slots=True)
class SyncMessage(SszContainer):
    """The block root that is signed, and in which slot."""

    beacon_block_root: Annotated[Root, bytes32]
    slot: Annotated[Slot, uint64]


def epoch(chain: BeaconChain, item: SyncMessage) -> Epoch:
    """Return the epoch whose fork it is signed under."""
    return chain.epoch_of(item.slot)


def signing_root(chain: BeaconChain, item: SyncMessage) -> Root:
    """Return what is signed."""
    return compute_signing_root(item.beacon_block_root, chain.domain(DOMAIN_SYNC_COMMITTEE, epoch(chain, item)))


def check(view: View, item: SyncMessage, root: Root) -> KeyRecord | Refused:
    """Judge it by its time."""
    return view.too_early(epoch(view.chain, item)) or view.record


KIND = kind(
    "SYNC_COMMITTEE_MESSAGE",
    "sync_committee_message",
    SyncMessage,
    epoch=epoch,
    signing_root=signing_root,
    check=check,
)
