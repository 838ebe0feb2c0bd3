"""Values that several tests of the types build on."""

from ssv_protocol.types.beacon.attestation import (
    AttestationData,
    Checkpoint,
    ElectraAttestation,
    Phase0Attestation,
)
from ssv_protocol.types.beacon.sync_committee import SyncCommitteeContribution
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import BlsPublicKey, BlsSignature, Epoch, Root, Slot, ValidatorIndex
from ssv_protocol.types.roles import BeaconRole

SIGNATURE = BlsSignature(b"\x05" * 96)
PUBKEY = BlsPublicKey(b"\x07" * 48)
SOURCE = Checkpoint(Epoch(3), Root(b"\x03" * 32))
TARGET = Checkpoint(Epoch(4), Root(b"\x04" * 32))
DATA = AttestationData(Slot(140), 0, Root(b"\x01" * 32), SOURCE, TARGET)
PHASE0_ATTESTATION = Phase0Attestation((True, False, True), DATA, SIGNATURE)
ELECTRA_ATTESTATION = ElectraAttestation((True, False, True), DATA, SIGNATURE, (True,) + (False,) * 63)


def contribution(subnet: int) -> SyncCommitteeContribution:
    return SyncCommitteeContribution(Slot(140), Root(b"\x01" * 32), subnet, (False,) * 128, SIGNATURE)


def duty(role: BeaconRole, *, slot: int = 140, validator: int = 1) -> ValidatorDuty:
    return ValidatorDuty(
        role,
        PUBKEY,
        Slot(slot),
        ValidatorIndex(validator),
        committee_length=128,
        validator_committee_index=11,
    )
