"""SYNC_COMMITTEE_SELECTION_PROOF: the proof that a sync committee member is selected as aggregator. Not slashable.

Members know their duties for many epochs, and validator clients make these proofs two epochs ahead.

Source: consensus-specs altair/validator.md.
"""

from __future__ import annotations

from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.crypto.signing_root import DOMAIN_SYNC_COMMITTEE_SELECTION_PROOF, compute_signing_root
from ssv_protocol.signing.watermarks import KeyRecord
from ssv_protocol.types.beacon.preset import SYNC_COMMITTEE_SUBNET_COUNT
from ssv_protocol.types.beacon.sync_committee import SyncAggregatorSelectionData
from ssv_protocol.types.ids import Epoch, Root
from ssv_signer.remote.errors import Refused, RemoteReason
from ssv_signer.remote.rules.kind import View, kind

SELECTION_AHEAD_EPOCHS = 2


def epoch(chain: BeaconChain, item: SyncAggregatorSelectionData) -> Epoch:
    """Return the epoch whose fork it is signed under."""
    return chain.epoch_of(item.slot)


def signing_root(chain: BeaconChain, item: SyncAggregatorSelectionData) -> Root:
    """Return what is signed."""
    domain = chain.domain(DOMAIN_SYNC_COMMITTEE_SELECTION_PROOF, epoch(chain, item))
    return compute_signing_root(item.hash_tree_root(), domain)


def check(view: View, item: SyncAggregatorSelectionData, root: Root) -> KeyRecord | Refused:
    """Judge it by its time and its subcommittee."""
    if item.subcommittee_index >= SYNC_COMMITTEE_SUBNET_COUNT:
        return Refused(RemoteReason.WRONG_SUBCOMMITTEE, f"subcommittee {item.subcommittee_index}")
    return view.too_early(epoch(view.chain, item), SELECTION_AHEAD_EPOCHS) or view.record


KIND = kind(
    "SYNC_COMMITTEE_SELECTION_PROOF",
    "sync_aggregator_selection_data",
    SyncAggregatorSelectionData,
    epoch=epoch,
    signing_root=signing_root,
    check=check,
)
