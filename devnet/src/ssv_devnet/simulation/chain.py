"""A beacon chain that nobody produces: attestation data and duties are functions of slot and seed.

Every operator asks the same chain, each may see another head. What is submitted is verified against the
validators' public keys, so a wrong signature cannot pass for a right one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256

from ssv_protocol.beacon_chain import BeaconChain, BeaconFork, ScheduledFork
from ssv_protocol.crypto import bls
from ssv_protocol.effects import Submit
from ssv_protocol.signing.objects import committee_objects
from ssv_protocol.types.beacon.attestation import AttestationData, Checkpoint, SingleAttestation
from ssv_protocol.types.beacon_vote import BeaconVote
from ssv_protocol.types.duty import CommitteeDuty, ValidatorDuty
from ssv_protocol.types.ids import BlsPublicKey, Epoch, ForkVersion, OperatorId, Root, Slot, ValidatorIndex
from ssv_protocol.types.roles import BeaconRole

COMMITTEE_LENGTH = 64


def simulated_chain(slot_duration_s: float = 6.0, slots_per_epoch: int = 8, genesis_time_s: int = 1_000) -> BeaconChain:
    """Return the parameters of a chain under Fulu from its first epoch."""
    return BeaconChain(
        genesis_time_s=genesis_time_s,
        genesis_validators_root=Root(sha256(b"simulated chain").digest()),
        slot_duration_s=slot_duration_s,
        slots_per_epoch=slots_per_epoch,
        epochs_per_sync_committee_period=8,
        sync_committee_size=512,
        forks=(ScheduledFork(BeaconFork.FULU, ForkVersion(bytes.fromhex("70000001")), Epoch(0)),),
    )


@dataclass(slots=True)
class SimulatedChain:
    """Duties and attestation data for validators, and the judge of what is submitted.

    `included` has each (slot, validator) for which a valid attestation was handed over, `votes` every distinct
    attestation data that was signed for a validator and target, which must never be two.
    """

    chain: BeaconChain
    validators: dict[ValidatorIndex, BlsPublicKey]
    seed: int
    included: dict[tuple[Slot, ValidatorIndex], AttestationData] = field(default_factory=dict)
    sync_messages: set[tuple[Slot, ValidatorIndex]] = field(default_factory=set)
    invalid: list[str] = field(default_factory=list)

    def attestation_data(self, slot: Slot, view: int = 0) -> AttestationData:
        """Return what a node with head `view` would attest; checkpoints are the same in every view."""
        epoch = self.chain.epoch_of(slot)
        return AttestationData(
            slot,
            0,
            self._root("block", slot, view),
            Checkpoint(Epoch(max(epoch - 1, 0)), self._root("epoch", max(epoch - 1, 0), 0)),
            Checkpoint(epoch, self._root("epoch", epoch, 0)),
        )

    def duty_slot(self, epoch: Epoch, index: ValidatorIndex) -> Slot:
        """Return the slot of `epoch` in which a validator attests."""
        place = int.from_bytes(self._root("duty", epoch, index)[:8], "big") % self.chain.slots_per_epoch
        return Slot(self.chain.first_slot(epoch) + place)

    async def committee_duty(self, slot: Slot) -> CommitteeDuty | None:
        """Return the attestations of a slot, and sync committee messages of the first validator."""
        epoch = self.chain.epoch_of(slot)
        duties = [
            ValidatorDuty(BeaconRole.ATTESTER, pubkey, slot, index, 0, COMMITTEE_LENGTH, 1, index % COMMITTEE_LENGTH)
            for index, pubkey in self.validators.items()
            if epoch > 0 and self.duty_slot(epoch, index) == slot
        ]
        first, pubkey = next(iter(self.validators.items()))
        if epoch > 0:
            duties.append(
                ValidatorDuty(BeaconRole.SYNC_COMMITTEE, pubkey, slot, first, validator_sync_committee_indices=(0,))
            )
        return CommitteeDuty(slot, tuple(duties)) if duties else None

    def take(self, slot: Slot, work: Submit) -> frozenset[ValidatorIndex]:
        """Verify what an operator hands over; return the attesters that are refused."""
        refused = set()
        for attestation in work.attestations:
            if not isinstance(attestation, SingleAttestation):
                raise TypeError("the simulated chain is past Electra")
            if self._is_valid(attestation):
                self.included[slot, attestation.attester_index] = attestation.data
            else:
                self.invalid.append(f"slot {slot} validator {attestation.attester_index}")
                refused.add(attestation.attester_index)
        self.sync_messages |= {(message.slot, message.validator_index) for message in work.sync_messages}
        return frozenset(refused)

    def _is_valid(self, attestation: SingleAttestation) -> bool:
        data, index = attestation.data, attestation.attester_index
        duty = ValidatorDuty(BeaconRole.ATTESTER, self.validators[index], data.slot, index)
        vote = BeaconVote(data.beacon_block_root, data.source, data.target)
        (wanted,) = committee_objects(self.chain, data.slot, vote, [duty])
        return bls.verify(self.validators[index], wanted.signing_root, attestation.signature)

    def _root(self, what: str, number: int, view: int) -> Root:
        return Root(sha256(f"{self.seed}/{what}/{number}/{view}".encode()).digest())


@dataclass(frozen=True, slots=True)
class OperatorView:
    """One operator's beacon node on the simulated chain; `view_of` says which head it sees in a slot."""

    world: SimulatedChain
    operator_id: OperatorId

    async def attestation_data(self, slot: Slot) -> AttestationData:
        """Return what this operator's node would attest."""
        return self.world.attestation_data(slot)

    async def submit(self, slot: Slot, work: Submit) -> frozenset[ValidatorIndex]:
        """Hand over signed objects."""
        return self.world.take(slot, work)
