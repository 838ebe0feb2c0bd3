"""What a decided beacon vote makes each validator of the committee sign.

Runner and signer both derive it here, from the same vote: the runner to know which roots to expect, the
signer because it takes no signing root from anybody.

Source: ssv-spec ssv/committee.go, ssv/committee_runner.go; EIP-7549 for the attestation index.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ssv_protocol.beacon_chain import BeaconChain, BeaconFork
from ssv_protocol.crypto.signing_root import (
    DOMAIN_BEACON_ATTESTER,
    DOMAIN_SYNC_COMMITTEE,
    compute_signing_root,
)
from ssv_protocol.types.beacon.attestation import AttestationData
from ssv_protocol.types.beacon_vote import BeaconVote
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import Root, Slot
from ssv_protocol.types.roles import BeaconRole


@dataclass(frozen=True, slots=True)
class AttestationObject:
    """An attestation that one validator is to sign."""

    duty: ValidatorDuty
    data: AttestationData
    signing_root: Root


@dataclass(frozen=True, slots=True)
class SyncMessageObject:
    """A sync committee message that one validator is to sign: the block root itself."""

    duty: ValidatorDuty
    block_root: Root
    signing_root: Root


CommitteeObject = AttestationObject | SyncMessageObject


def committee_objects(
    chain: BeaconChain, slot: Slot, vote: BeaconVote, duties: Iterable[ValidatorDuty]
) -> tuple[CommitteeObject, ...]:
    """Return what each attester and sync committee duty signs under `vote`, in the order of the duties."""
    epoch = chain.epoch_of(slot)
    attester_domain = chain.domain(DOMAIN_BEACON_ATTESTER, epoch)
    sync_root = compute_signing_root(vote.block_root, chain.domain(DOMAIN_SYNC_COMMITTEE, epoch))
    roots: dict[int, tuple[AttestationData, Root]] = {}
    objects: list[CommitteeObject] = []
    for duty in duties:
        if duty.type == BeaconRole.SYNC_COMMITTEE:
            objects.append(SyncMessageObject(duty, vote.block_root, sync_root))
        elif duty.type == BeaconRole.ATTESTER:
            index = 0 if chain.fork_at(epoch).fork >= BeaconFork.ELECTRA else duty.committee_index
            if index not in roots:
                data = vote.attestation_data(slot, index)
                roots[index] = data, compute_signing_root(data.hash_tree_root(), attester_domain)
            objects.append(AttestationObject(duty, *roots[index]))
    return tuple(objects)
