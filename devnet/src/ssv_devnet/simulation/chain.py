"""A beacon chain that nobody produces: attestation data and duties are functions of slot and seed.

Every operator asks the same chain, each may see another head or lag behind. What is submitted is verified against
the validators' public keys, so a wrong signature cannot pass for a right one.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from hashlib import sha256

from ssv_consensus.ports import Handed
from ssv_protocol.beacon_chain import BeaconChain, BeaconFork, ScheduledFork
from ssv_protocol.crypto import bls
from ssv_protocol.crypto.signing_root import DOMAIN_BEACON_ATTESTER, DOMAIN_SYNC_COMMITTEE, compute_signing_root
from ssv_protocol.effects import Event, Fetch, FetchAttestationData, FetchedAttestationData, Submit
from ssv_protocol.errors import SsvError
from ssv_protocol.runners.runner import Duty
from ssv_protocol.types.beacon.attestation import AttestationData, Checkpoint, SingleAttestation
from ssv_protocol.types.beacon.sync_committee import SyncCommitteeMessage
from ssv_protocol.types.duty import CommitteeDuty, ValidatorDuty
from ssv_protocol.types.ids import BlsPublicKey, Epoch, ForkVersion, Root, Slot, ValidatorIndex
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

    `included` has each (slot, validator) for which an attestation was handed over that is valid and for the chain's
    checkpoints, whatever its head; `attestations` all validly signed ones by validator, `sync_included` each (slot,
    validator) with a valid sync committee message. `moving_duties` lets a beacon node, as after a reorganisation,
    give a validator a second slot to attest in an epoch.
    """

    chain: BeaconChain
    validators: dict[ValidatorIndex, BlsPublicKey]
    seed: int
    moving_duties: bool = False
    included: dict[tuple[Slot, ValidatorIndex], AttestationData] = field(default_factory=dict)
    attestations: dict[ValidatorIndex, set[AttestationData]] = field(default_factory=lambda: defaultdict(set))
    sync_included: set[tuple[Slot, ValidatorIndex]] = field(default_factory=set)
    invalid: list[str] = field(default_factory=list)
    _verified: set[SingleAttestation | SyncCommitteeMessage] = field(default_factory=set)

    def attestation_data(self, slot: Slot, view: int = 0, lag: int = 0) -> AttestationData:
        """Return what a node with head `view` would attest whose justified epoch is `lag` epochs late."""
        epoch = self.chain.epoch_of(slot)
        source = Epoch(max(epoch - 1 - lag, 0))
        return AttestationData(
            slot,
            0,
            self._root("block", slot, view),
            Checkpoint(source, self._root("epoch", source)),
            Checkpoint(epoch, self._root("epoch", epoch)),
        )

    def attesting_slots(self, epoch: Epoch, index: ValidatorIndex) -> tuple[Slot, ...]:
        """Return the slots of `epoch` in which a validator is told to attest, ascending; the first one counts."""
        if epoch == 0:  # nothing that is justified comes before its target there
            return ()
        names = ("duty", "moved duty") if self.moving_duties else ("duty",)
        digests = [self._root(f"{name} of validator {index}", epoch) for name in names]
        places = {int.from_bytes(digest[:8], "big") % self.chain.slots_per_epoch for digest in digests}
        return tuple(Slot(self.chain.first_slot(epoch) + place) for place in sorted(places))

    @property
    def sync_validator(self) -> ValidatorIndex:
        """The one validator that sits in the sync committee."""
        return min(self.validators)

    async def committee_duty(self, slot: Slot) -> CommitteeDuty | None:
        """Return the attestations of a slot, and the sync committee message of the one validator that has a seat."""
        epoch = self.chain.epoch_of(slot)
        duties = [
            ValidatorDuty(BeaconRole.ATTESTER, pubkey, slot, index, 0, COMMITTEE_LENGTH, 1, index % COMMITTEE_LENGTH)
            for index, pubkey in self.validators.items()
            if slot in self.attesting_slots(epoch, index)
        ]
        if epoch > 0:
            index = self.sync_validator
            duties.append(
                ValidatorDuty(
                    BeaconRole.SYNC_COMMITTEE,
                    self.validators[index],
                    slot,
                    index,
                    validator_sync_committee_indices=(0,),
                )
            )
        return CommitteeDuty(slot, tuple(duties)) if duties else None

    async def duties(self, slot: Slot) -> tuple[Duty, ...]:
        """Return what begins in a slot: the committee's duty, if there is one."""
        duty = await self.committee_duty(slot)
        return (duty,) if duty is not None else ()

    def take(self, work: Submit) -> frozenset[ValidatorIndex]:
        """Verify what an operator hands over; return the attesters that are refused."""
        refused = set()
        for attestation in work.attestations:
            if not isinstance(attestation, SingleAttestation):
                raise TypeError("the simulated chain is past Electra")
            data, index = attestation.data, attestation.attester_index
            if self._is_valid(attestation, index, data.hash_tree_root(), DOMAIN_BEACON_ATTESTER, data.slot):
                self.attestations[index].add(data)
                if self._counts(data):
                    self.included[data.slot, index] = data
            else:
                refused.add(index)
        for message in work.sync_messages:
            index = message.validator_index
            if self._is_valid(message, index, message.beacon_block_root, DOMAIN_SYNC_COMMITTEE, message.slot):
                self.sync_included.add((message.slot, index))
        return frozenset(refused)

    def _counts(self, data: AttestationData) -> bool:
        own = self.attestation_data(data.slot)
        return (data.source, data.target) == (own.source, own.target)

    def _is_valid(
        self, item: SingleAttestation | SyncCommitteeMessage, index: ValidatorIndex, root: Root, kind: bytes, slot: Slot
    ) -> bool:
        if item in self._verified:
            return True
        signing_root = compute_signing_root(root, self.chain.domain(kind, self.chain.epoch_of(slot)))
        if not bls.verify(self.validators[index], signing_root, item.signature):
            self.invalid.append(f"{type(item).__name__} of validator {index} in slot {slot}")
            return False
        self._verified.add(item)
        return True

    def _root(self, what: str, number: int, view: int = 0) -> Root:
        return Root(sha256(f"{self.seed}/{what}/{number}/{view}".encode()).digest())


@dataclass(frozen=True, slots=True)
class OperatorView:
    """One operator's beacon node on the simulated chain: which head it sees, and how late its justified epoch is."""

    world: SimulatedChain
    view: int = 0
    lag: int = 0

    async def answer(self, question: Fetch) -> Event:
        """Return what this operator's node would attest; raises SsvError for any other question."""
        if not isinstance(question, FetchAttestationData):
            raise SsvError(f"the simulated chain has no answer to {type(question).__name__}")
        return FetchedAttestationData(self.world.attestation_data(question.slot, self.view, self.lag))

    async def submit(self, slot: Slot, work: Submit) -> frozenset[Handed]:
        """Hand over signed objects."""
        return frozenset((BeaconRole.ATTESTER, index) for index in self.world.take(work))
