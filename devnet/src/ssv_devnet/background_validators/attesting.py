"""The attestations of a slot, all in one request.

Source: consensus-specs electra/validator.md "Attesting".
"""

from __future__ import annotations

from ssv_devnet.background_validators.crew import Crew
from ssv_protocol.crypto.signing_root import DOMAIN_BEACON_ATTESTER
from ssv_protocol.types.beacon.attestation import AttestationData, SingleAttestation
from ssv_protocol.types.ids import Slot


async def attest(crew: Crew, slot: Slot) -> AttestationData:
    """Attest for every own validator of the slot; returns what was attested.

    Raises BeaconError; BatchRefused when the node took only some.
    """
    epoch = crew.chain.epoch_of(slot)
    duties = [
        duty
        for duty in (await crew.duties.of_slot(slot)).attesters.get(slot, ())
        if crew.handover.runs(duty.validator_index, epoch)
    ]
    data = await crew.node.attestations.data(slot)
    root = crew.signing_root(data.hash_tree_root(), DOMAIN_BEACON_ATTESTER, epoch)
    signatures = await crew.keyring.sign((duty.validator_index for duty in duties), root)
    attestations = [
        SingleAttestation(duty.committee_index, duty.validator_index, data, signatures[duty.validator_index])
        for duty in duties
    ]
    if attestations:
        await crew.node.attestations.submit(attestations, crew.chain.fork_at(epoch).fork)
    return data
