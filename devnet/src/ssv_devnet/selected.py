"""Who of the watched validators is selected to aggregate, worked out from the validators' own keys.

The keys are the interop ones, so nobody has to be asked, the operators least of all.

Source: consensus-specs phase0/validator.md "Aggregation selection", altair/validator.md "Aggregation selection".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ssv_devnet.background_validators.selection import is_aggregator, is_sync_aggregator
from ssv_devnet.interop import interop_secret_key
from ssv_devnet.observer import Vote
from ssv_ethereum.beacon.duties import AttesterDuty, SyncDuty
from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.crypto.signing_root import (
    DOMAIN_SELECTION_PROOF,
    DOMAIN_SYNC_COMMITTEE_SELECTION_PROOF,
    compute_signing_root,
    uint64_root,
)
from ssv_protocol.types.beacon.preset import SYNC_SUBCOMMITTEE_SIZE
from ssv_protocol.types.beacon.sync_committee import SyncAggregatorSelectionData
from ssv_protocol.types.ids import Root, Slot, ValidatorIndex

Contribution = tuple[Slot, ValidatorIndex, int]
"""Slot, validator and subcommittee."""


def aggregators(chain: BeaconChain, duties: Iterable[AttesterDuty]) -> frozenset[Vote]:
    """Return the attestation duties whose validator aggregates for its committee."""
    return frozenset(
        (duty.slot, duty.validator_index)
        for duty in duties
        if is_aggregator(
            interop_secret_key(duty.validator_index).sign(
                _signing_root(chain, duty.slot, uint64_root(duty.slot), DOMAIN_SELECTION_PROOF)
            ),
            duty.committee_length,
        )
    )


def contributors(chain: BeaconChain, duties: Mapping[Slot, Sequence[SyncDuty]]) -> frozenset[Contribution]:
    """Return which seats of which slot make their validator contribute for a subcommittee."""
    found: set[Contribution] = set()
    for slot, seats in duties.items():
        for duty in seats:
            key = interop_secret_key(duty.validator_index)
            for subcommittee in {position // SYNC_SUBCOMMITTEE_SIZE for position in duty.positions}:
                selection_root = SyncAggregatorSelectionData(slot, subcommittee).hash_tree_root()
                proof = key.sign(_signing_root(chain, slot, selection_root, DOMAIN_SYNC_COMMITTEE_SELECTION_PROOF))
                if is_sync_aggregator(proof, chain.sync_committee_size):
                    found.add((slot, duty.validator_index, subcommittee))
    return frozenset(found)


def _signing_root(chain: BeaconChain, slot: Slot, object_root: Root, domain_type: bytes) -> Root:
    return compute_signing_root(object_root, chain.domain(domain_type, chain.epoch_of(slot)))
