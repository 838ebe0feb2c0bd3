"""SYNC_COMMITTEE_CONTRIBUTION_AND_PROOF: a subcommittee's votes, which an aggregator vouches for. Not slashable.

Source: consensus-specs altair/validator.md.
"""

from __future__ import annotations

from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.crypto.signing_root import DOMAIN_CONTRIBUTION_AND_PROOF, compute_signing_root
from ssv_protocol.signing.watermarks import KeyRecord
from ssv_protocol.types.beacon.preset import SYNC_COMMITTEE_SUBNET_COUNT
from ssv_protocol.types.beacon.sync_committee import ContributionAndProof
from ssv_protocol.types.ids import Epoch, Root
from ssv_signer.remote.errors import Refused, RemoteReason
from ssv_signer.remote.rules.kind import View, kind


def epoch(chain: BeaconChain, item: ContributionAndProof) -> Epoch:
    """Return the epoch whose fork it is signed under."""
    return chain.epoch_of(item.contribution.slot)


def signing_root(chain: BeaconChain, item: ContributionAndProof) -> Root:
    """Return what is signed."""
    domain = chain.domain(DOMAIN_CONTRIBUTION_AND_PROOF, epoch(chain, item))
    return compute_signing_root(item.hash_tree_root(), domain)


def check(view: View, item: ContributionAndProof, root: Root) -> KeyRecord | Refused:
    """Judge it by its time and its subcommittee."""
    if item.contribution.subcommittee_index >= SYNC_COMMITTEE_SUBNET_COUNT:
        return Refused(RemoteReason.WRONG_SUBCOMMITTEE, f"subcommittee {item.contribution.subcommittee_index}")
    return view.too_early(epoch(view.chain, item)) or view.record


KIND = kind(
    "SYNC_COMMITTEE_CONTRIBUTION_AND_PROOF",
    "contribution_and_proof",
    ContributionAndProof,
    epoch=epoch,
    signing_root=signing_root,
    check=check,
)
