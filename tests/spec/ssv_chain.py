"""The chain and the network of the ssv vectors, and what their beacon node answers.

The test double is the vectors' own: its answers are part of their definition. Slots are 12 s and epochs 32 slots as on
mainnet, all forks have the version 00000000 and the genesis validators root is zero.

Source: ssv-spec types/testingutils/beacon_node*.go; types/beacon_types.go ("now_test_network").
"""

from __future__ import annotations

from functools import lru_cache

from ssv_protocol.beacon_chain import BeaconChain, BeaconFork, ScheduledFork
from ssv_protocol.drafts import SyncSelection
from ssv_protocol.effects import (
    Event,
    Fetch,
    FetchAggregate,
    FetchAggregateAndProof,
    FetchAttestationData,
    FetchBlock,
    FetchBlockRoot,
    FetchContribution,
    FetchContributions,
    FetchedAggregate,
    FetchedAggregateAndProof,
    FetchedAttestationData,
    FetchedBlock,
    FetchedBlockRoot,
    FetchedContribution,
    FetchedContributions,
)
from ssv_protocol.forks import Network
from ssv_protocol.networks import PUBLIC_QUICK_TIMEOUT_S, SsvNetwork
from ssv_protocol.qbft.config import LeaderFunction
from ssv_protocol.signing.objects import pre_consensus_root
from ssv_protocol.types.beacon.attestation import (
    Attestation,
    AttestationData,
    Checkpoint,
    ElectraAggregateAndProof,
    ElectraAttestation,
    Phase0AggregateAndProof,
    Phase0Attestation,
)
from ssv_protocol.types.beacon.preset import MAX_COMMITTEES_PER_SLOT, SYNC_SUBCOMMITTEE_SIZE
from ssv_protocol.types.beacon.sync_committee import SyncCommitteeContribution
from ssv_protocol.types.contributions import Contribution
from ssv_protocol.types.ids import (
    ZERO_ROOT,
    BlsSignature,
    Epoch,
    ExecutionAddress,
    ForkVersion,
    Instant,
    OperatorId,
    Root,
    Slot,
    ValidatorIndex,
)
from tests.spec.case import Version
from tests.spec.ssv_blocks import test_block
from tests.spec.ssv_keys import DOMAIN, validator_secret

GENESIS_TIME_S = 1_616_508_000
GAS_LIMIT = 30_000_000
DUTY_SLOT = Slot(12)
ELECTRA_SLOT = Slot(232_000 * 32 + 12)
BLOCK_ROOT = Root(bytes([*range(1, 11), *range(1, 11), *range(1, 11), 1, 2]))
LEADER = OperatorId(1)
ZERO_SIGNATURE = BlsSignature(bytes(96))
_FORK_EPOCHS = {
    BeaconFork.PHASE0: 0,
    BeaconFork.ALTAIR: 74_240,
    BeaconFork.BELLATRIX: 144_896,
    BeaconFork.CAPELLA: 162_304,
    BeaconFork.DENEB: 231_680,
    BeaconFork.ELECTRA: 232_000,
    BeaconFork.FULU: 242_000,
}
_AGGREGATION_BITS = (False,) * 128
_CONTRIBUTIONS = 3

CHAIN = BeaconChain(
    genesis_time_s=GENESIS_TIME_S,
    genesis_validators_root=ZERO_ROOT,
    slot_duration_s=12.0,
    slots_per_epoch=32,
    epochs_per_sync_committee_period=256,
    sync_committee_size=512,
    forks=tuple(ScheduledFork(fork, ForkVersion(bytes(4)), Epoch(epoch)) for fork, epoch in _FORK_EPOCHS.items()),
)
NOW = Instant(CHAIN.slot_start(CHAIN.first_slot(Epoch(400_000))))
"""When the vectors run: after every duty slot of theirs but the ones that are too far in the future."""


class SpecNetwork(Network):
    """The vectors' network, in which operator 1 always leads."""

    def leader_at(self, slot: Slot) -> LeaderFunction:
        """Return operator 1, whoever the rule set would choose."""
        return lambda *_: LEADER


@lru_cache
def network(version: Version) -> Network:
    """Return the network under a rule set from the first epoch on."""
    boole_epoch = Epoch(0) if version == "boole" else None
    ssv = SsvNetwork(
        "spec",
        DOMAIN,
        DOMAIN,
        ExecutionAddress(bytes(20)),
        0,
        PUBLIC_QUICK_TIMEOUT_S,
        boole_epoch=boole_epoch,
        last_proposer_round=None,
    )
    return SpecNetwork(ssv, CHAIN)


def attestation_data(slot: Slot, fork: BeaconFork) -> AttestationData:
    """Return what there is to attest."""
    index = 0 if fork >= BeaconFork.ELECTRA else 3
    return AttestationData(slot, index, BLOCK_ROOT, Checkpoint(Epoch(0), BLOCK_ROOT), Checkpoint(Epoch(1), BLOCK_ROOT))


def answer(request: Fetch) -> Event:
    """Return what the vectors' beacon node answers."""
    match request:
        case FetchAttestationData(slot):
            return FetchedAttestationData(attestation_data(slot, _fork(slot)))
        case FetchBlock(slot):
            return FetchedBlock(request, test_block(_fork(slot)))
        case FetchAggregate(slot):
            return FetchedAggregate(request, _aggregate(_fork(slot)))
        case FetchAggregateAndProof(slot):
            return FetchedAggregateAndProof(request, _aggregate_and_proof(_fork(slot)))
        case FetchBlockRoot():
            return FetchedBlockRoot(request, BLOCK_ROOT)
        case FetchContribution(_, subcommittee_index):
            return FetchedContribution(request, _contribution(subcommittee_index))
        case FetchContributions():
            return FetchedContributions(request, _contributions_with_proofs(), BeaconFork.BELLATRIX)


def _fork(slot: Slot) -> BeaconFork:
    return CHAIN.fork_at(CHAIN.epoch_of(slot)).fork


def _aggregate(fork: BeaconFork) -> Attestation:
    if fork >= BeaconFork.ELECTRA:
        data = attestation_data(ELECTRA_SLOT, BeaconFork.ELECTRA)
        no_committees = (False,) * MAX_COMMITTEES_PER_SLOT
        return ElectraAttestation(_AGGREGATION_BITS, data, ZERO_SIGNATURE, no_committees)
    return Phase0Attestation(_AGGREGATION_BITS, attestation_data(DUTY_SLOT, BeaconFork.PHASE0), ZERO_SIGNATURE)


def _aggregate_and_proof(fork: BeaconFork) -> Phase0AggregateAndProof | ElectraAggregateAndProof:
    """Return an aggregate of validator 1 without a proof, whatever was asked."""
    aggregate, aggregator = _aggregate(fork), ValidatorIndex(1)
    if isinstance(aggregate, ElectraAttestation):
        return ElectraAggregateAndProof(aggregator, aggregate, ZERO_SIGNATURE)
    return Phase0AggregateAndProof(aggregator, aggregate, ZERO_SIGNATURE)


def _contribution(subcommittee_index: int) -> SyncCommitteeContribution | None:
    if subcommittee_index >= _CONTRIBUTIONS:
        return None
    bits = (False,) * SYNC_SUBCOMMITTEE_SIZE
    return SyncCommitteeContribution(DUTY_SLOT, BLOCK_ROOT, subcommittee_index, bits, ZERO_SIGNATURE)


@lru_cache
def _contributions_with_proofs() -> tuple[Contribution, ...]:
    """Return all contributions with the proofs of the sets' validator, whatever was asked."""
    secret = validator_secret()
    contributions = []
    for index in range(_CONTRIBUTIONS):
        item = _contribution(index)
        assert item is not None
        selection = SyncSelection(ValidatorIndex(1), secret.public_key(), DUTY_SLOT, index)
        contributions.append(Contribution(secret.sign(pre_consensus_root(CHAIN, DUTY_SLOT, selection)), item))
    return tuple(contributions)
