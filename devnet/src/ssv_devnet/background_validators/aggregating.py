"""One aggregate for each beacon committee of a slot, by the first own member that is selected.

The aggregate is the node's, so it holds the votes of released validators too. If a late block made voters disagree
about the head, the other vote that the node would give now is aggregated as well.

Source: consensus-specs phase0/validator.md "Attestation aggregation".
"""

from __future__ import annotations

from ssv_devnet.background_validators.crew import Crew
from ssv_devnet.background_validators.selection import is_aggregator
from ssv_ethereum.beacon.duties import AttesterDuty
from ssv_ethereum.beacon.errors import BeaconRefused
from ssv_protocol.crypto.signing_root import DOMAIN_AGGREGATE_AND_PROOF, DOMAIN_SELECTION_PROOF, uint64_root
from ssv_protocol.types.beacon.attestation import (
    AttestationData,
    ElectraAggregateAndProof,
    ElectraAttestation,
    SignedElectraAggregateAndProof,
)
from ssv_protocol.types.ids import BlsSignature, Root, Slot

_NOT_FOUND = 404


async def aggregate(crew: Crew, slot: Slot, attested: AttestationData) -> None:
    """Publish the aggregates of `slot` over `attested`, and over what the node would attest now.

    Raises BeaconError; BatchRefused when the node took only some.
    """
    aggregators = await _aggregators(crew, slot)
    roots = {attested.hash_tree_root(), (await crew.node.attestations.data(slot)).hash_tree_root()}
    signed = [
        _signed(crew, slot, duty, proof, found)
        for duty, proof in aggregators
        for root in roots
        if (found := await _aggregate(crew, slot, root, duty.committee_index)) is not None
    ]
    if signed:
        await crew.node.attestations.publish_aggregates(signed, crew.chain.fork_at(crew.chain.epoch_of(slot)).fork)


async def _aggregators(crew: Crew, slot: Slot) -> list[tuple[AttesterDuty, BlsSignature]]:
    """Return for each committee the first own member that is selected, with its proof."""
    epoch = crew.chain.epoch_of(slot)
    root = crew.signing_root(uint64_root(slot), DOMAIN_SELECTION_PROOF, epoch)
    duties = (await crew.duties.of_slot(slot)).attesters.get(slot, ())
    found: dict[int, tuple[AttesterDuty, BlsSignature]] = {}
    for duty in duties:
        if duty.committee_index in found or not crew.handover.runs(duty.validator_index, epoch):
            continue
        proof = (await crew.keyring.sign([duty.validator_index], root))[duty.validator_index]
        if is_aggregator(proof, duty.committee_length):
            found[duty.committee_index] = (duty, proof)
    return list(found.values())


async def _aggregate(crew: Crew, slot: Slot, root: Root, committee_index: int) -> ElectraAttestation | None:
    """Return the node's aggregate, or None where nobody has attested that."""
    try:
        return await crew.node.attestations.aggregate(slot, root, committee_index)
    except BeaconRefused as error:
        if error.status == _NOT_FOUND:
            return None
        raise


def _signed(
    crew: Crew, slot: Slot, duty: AttesterDuty, proof: BlsSignature, found: ElectraAttestation
) -> SignedElectraAggregateAndProof:
    message = ElectraAggregateAndProof(duty.validator_index, found, proof)
    epoch = crew.chain.epoch_of(slot)
    root = crew.signing_root(message.hash_tree_root(), DOMAIN_AGGREGATE_AND_PROOF, epoch)
    return SignedElectraAggregateAndProof(message, crew.keyring.sign_now(duty.validator_index, root))
