"""What the store is shown has the root that is to be signed, in every fork: computed anew from the request alone."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from libs.protocol.tests.types.samples import DATA, SIGNATURE, contribution
from services.signer.tests.harness import SLOTS_PER_EPOCH
from services.signer.tests.remote.world import CHAIN, FORKS
from services.signer.tests.share_store.stand_in import Chain, signing_root

from ssv_protocol.beacon_chain import BeaconFork, ScheduledFork
from ssv_protocol.drafts import Exit, PreConsensusObject, RandaoReveal, Registration, SlotSelection, SyncSelection
from ssv_protocol.signing.objects import (
    Signable,
    aggregate_object,
    committee_objects,
    contribution_object,
    pre_consensus_root,
)
from ssv_protocol.types.beacon.attestation import (
    Checkpoint,
    ElectraAggregateAndProof,
    ElectraAttestation,
    Phase0AggregateAndProof,
    Phase0Attestation,
)
from ssv_protocol.types.beacon.exit import VoluntaryExit
from ssv_protocol.types.beacon.registration import ValidatorRegistration
from ssv_protocol.types.beacon.sync_committee import ContributionAndProof
from ssv_protocol.types.beacon_vote import BeaconVote
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import BlsPublicKey, Epoch, ExecutionAddress, Root, Slot, ValidatorIndex
from ssv_protocol.types.roles import BeaconRole
from ssv_signer.share_store.bodies import body

KEY, INDEX, ROOT = BlsPublicKey(b"\x0a" * 48), ValidatorIndex(7), Root(b"\xaa" * 32)
CAPELLA = next(fork.version for fork in FORKS if fork.fork == BeaconFork.CAPELLA)
STORE = Chain(SLOTS_PER_EPOCH, CAPELLA, FORKS[0].version)


def objects(slot: Slot) -> list[tuple[Signable, Root]]:
    epoch, fork = CHAIN.epoch_of(slot), CHAIN.fork_at(CHAIN.epoch_of(slot)).fork
    early: list[PreConsensusObject] = [
        RandaoReveal(INDEX, KEY, epoch),
        SlotSelection(INDEX, KEY, slot),
        SyncSelection(INDEX, KEY, slot, 2),
        Registration(INDEX, ValidatorRegistration(ExecutionAddress(b"\x0f" * 20), 36_000_000, 5, KEY)),
        Exit(KEY, VoluntaryExit(epoch, INDEX)),
    ]
    found: list[tuple[Signable, Root]] = [(item, pre_consensus_root(CHAIN, slot, item)) for item in early]
    vote = BeaconVote(ROOT, Checkpoint(Epoch(max(epoch - 1, 0)), ROOT), Checkpoint(epoch, ROOT))
    duties = [ValidatorDuty(kind, KEY, slot, INDEX) for kind in (BeaconRole.ATTESTER, BeaconRole.SYNC_COMMITTEE)]
    data = replace(DATA, slot=slot)
    if fork < BeaconFork.ELECTRA:
        old = Phase0AggregateAndProof(INDEX, Phase0Attestation((True,), data, SIGNATURE), SIGNATURE)
        aggregate = aggregate_object(CHAIN, slot, old, duties[0])
    else:
        attestation = ElectraAttestation((True,), data, SIGNATURE, (True,) + (False,) * 63)
        aggregate = aggregate_object(CHAIN, slot, ElectraAggregateAndProof(INDEX, attestation, SIGNATURE), duties[0])
    given = ContributionAndProof(INDEX, replace(contribution(1), slot=slot), SIGNATURE)
    late = [
        *committee_objects(CHAIN, slot, vote, duties),
        aggregate,
        contribution_object(CHAIN, slot, given, duties[1]),
    ]
    return found + [(item, item.signing_root) for item in late]


@pytest.mark.parametrize("fork", FORKS, ids=lambda fork: fork.fork.name)
def test_the_root_that_follows_from_a_request_is_the_one_to_sign(fork: ScheduledFork) -> None:
    slot = Slot(CHAIN.first_slot(fork.epoch) + 1)
    for item, root in objects(slot):
        request = json.loads(body(CHAIN, slot, root, item))
        assert request["signingRoot"] == "0x" + root.hex()
        if request["type"] == "VOLUNTARY_EXIT" and fork.epoch < 3:
            continue  # of Capella for ever (EIP-7044), which such a chain does not know yet
        assert signing_root(request, STORE) == root, request["type"]


def test_the_form_of_an_aggregate_is_that_of_its_fork() -> None:
    shown = {
        fork.fork.name: json.loads(body(CHAIN, CHAIN.first_slot(fork.epoch), root, item))["type"]
        for fork in FORKS
        for item, root in objects(CHAIN.first_slot(fork.epoch))[7:8]
    }
    assert shown == dict.fromkeys(["PHASE0", "ALTAIR", "BELLATRIX", "CAPELLA", "DENEB"], "AGGREGATE_AND_PROOF") | (
        dict.fromkeys(["ELECTRA", "FULU"], "AGGREGATE_AND_PROOF_V2")
    )
