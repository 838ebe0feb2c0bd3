"""The sync committee's messages of a slot, and one contribution for each subcommittee.

A vote of the last slot before a period begins belongs to the new committee, since it lands in the new period's first
block: duties are those of the epoch of the next slot.

Source: consensus-specs altair/validator.md "Sync committees".
"""

from __future__ import annotations

from ssv_devnet.background_validators.crew import Crew
from ssv_devnet.background_validators.selection import is_sync_aggregator
from ssv_ethereum.beacon.duties import SyncDuty
from ssv_ethereum.beacon.errors import BeaconRefused
from ssv_protocol.crypto.signing_root import (
    DOMAIN_CONTRIBUTION_AND_PROOF,
    DOMAIN_SYNC_COMMITTEE,
    DOMAIN_SYNC_COMMITTEE_SELECTION_PROOF,
)
from ssv_protocol.types.beacon.preset import SYNC_COMMITTEE_SUBNET_COUNT, SYNC_SUBCOMMITTEE_SIZE
from ssv_protocol.types.beacon.sync_committee import (
    ContributionAndProof,
    SignedContributionAndProof,
    SyncAggregatorSelectionData,
    SyncCommitteeContribution,
    SyncCommitteeMessage,
)
from ssv_protocol.types.ids import BlsSignature, Root, Slot, ValidatorIndex

_NOT_FOUND = 404


async def vote_for_head(crew: Crew, slot: Slot) -> Root:
    """Send one message for every own member; returns the head that was voted for.

    Raises BeaconError; BatchRefused when the node took only some.
    """
    head = await crew.node.blocks.root("head") or await crew.node.blocks.root("genesis")
    if head is None:
        raise LookupError("the node has neither a head nor a genesis block")
    root = crew.signing_root(head, DOMAIN_SYNC_COMMITTEE, crew.chain.epoch_of(slot))
    members = [duty.validator_index for duty in await _own_duties(crew, slot)]
    signatures = await crew.keyring.sign(members, root)
    messages = [SyncCommitteeMessage(slot, head, index, signatures[index]) for index in members]
    if messages:
        await crew.node.sync_committee.submit_messages(messages)
    return head


async def contribute(crew: Crew, slot: Slot, head: Root) -> None:
    """Publish the contributions of all subcommittees over `head`.

    Raises BeaconError; BatchRefused when the node took only some.
    """
    duties = await _own_duties(crew, slot)
    signed = []
    for subcommittee in range(SYNC_COMMITTEE_SUBNET_COUNT):
        selected = await _aggregator(crew, slot, subcommittee, duties)
        if selected is None:
            continue
        contribution = await _contribution(crew, slot, subcommittee, head)
        if contribution is not None:
            signed.append(_signed(crew, contribution, *selected))
    if signed:
        await crew.node.sync_committee.publish_contributions(signed)


async def _own_duties(crew: Crew, slot: Slot) -> list[SyncDuty]:
    duties = (await crew.duties.of_slot(Slot(slot + 1))).sync
    epoch = crew.chain.epoch_of(slot)
    return [duty for duty in duties if crew.handover.runs(duty.validator_index, epoch)]


async def _aggregator(
    crew: Crew, slot: Slot, subcommittee: int, duties: list[SyncDuty]
) -> tuple[ValidatorIndex, BlsSignature] | None:
    """Return the first own member of the subcommittee that is selected, with its proof."""
    selection_root = SyncAggregatorSelectionData(slot, subcommittee).hash_tree_root()
    epoch = crew.chain.epoch_of(slot)
    root = crew.signing_root(selection_root, DOMAIN_SYNC_COMMITTEE_SELECTION_PROOF, epoch)
    for duty in duties:
        if any(position // SYNC_SUBCOMMITTEE_SIZE == subcommittee for position in duty.positions):
            proof = (await crew.keyring.sign([duty.validator_index], root))[duty.validator_index]
            if is_sync_aggregator(proof, crew.chain.sync_committee_size):
                return duty.validator_index, proof
    return None


async def _contribution(crew: Crew, slot: Slot, subcommittee: int, head: Root) -> SyncCommitteeContribution | None:
    """Return the node's contribution, or None where nobody has voted for that head."""
    try:
        return await crew.node.sync_committee.contribution(slot, subcommittee, head)
    except BeaconRefused as error:
        if error.status == _NOT_FOUND:
            return None
        raise


def _signed(
    crew: Crew, contribution: SyncCommitteeContribution, aggregator: ValidatorIndex, proof: BlsSignature
) -> SignedContributionAndProof:
    message = ContributionAndProof(aggregator, contribution, proof)
    epoch = crew.chain.epoch_of(contribution.slot)
    root = crew.signing_root(message.hash_tree_root(), DOMAIN_CONTRIBUTION_AND_PROOF, epoch)
    return SignedContributionAndProof(message, crew.keyring.sign_now(aggregator, root))
