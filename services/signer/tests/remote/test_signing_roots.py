"""The signing roots of plain keys are those that the committees' signer makes."""

from __future__ import annotations

from services.signer.tests.remote.rule_table import KEY, root_of
from services.signer.tests.remote.world import CHAIN, CLOCK, CLOCK_EPOCH, every_type, registration

from ssv_protocol.drafts import Exit, RandaoReveal, Registration, SlotSelection, SyncSelection
from ssv_protocol.signing.objects import aggregate_object, committee_objects, contribution_object, pre_consensus_root
from ssv_protocol.types.beacon.attestation import Checkpoint, ElectraAggregateAndProof
from ssv_protocol.types.beacon.exit import VoluntaryExit
from ssv_protocol.types.beacon.registration import ValidatorRegistration
from ssv_protocol.types.beacon.sync_committee import ContributionAndProof
from ssv_protocol.types.beacon_vote import BeaconVote
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import Epoch, Root, ValidatorIndex
from ssv_protocol.types.roles import BeaconRole
from ssv_protocol.types.ssz_json import from_json


def test_they_are_those_of_the_committees_signer() -> None:
    plain = {each["type"]: each for each in every_type(KEY)}
    index, slot, epoch = ValidatorIndex(7), CLOCK, CLOCK_EPOCH
    aa = Root(b"\xaa" * 32)
    duty = ValidatorDuty(BeaconRole.ATTESTER, KEY, CHAIN.first_slot(epoch), index)
    vote = BeaconVote(aa, Checkpoint(Epoch(epoch - 1), aa), Checkpoint(epoch, aa))
    (attested,) = committee_objects(CHAIN, duty.slot, vote, [duty])
    sync_duty = ValidatorDuty(BeaconRole.SYNC_COMMITTEE, KEY, slot, index)
    (synced,) = committee_objects(CHAIN, slot, vote, [sync_duty])
    aggregated = from_json(ElectraAggregateAndProof, plain["AGGREGATE_AND_PROOF_V2"]["aggregate_and_proof"]["data"], "")
    name = "SYNC_COMMITTEE_CONTRIBUTION_AND_PROOF"
    contributed = from_json(ContributionAndProof, plain[name]["contribution_and_proof"], "")
    registered = from_json(ValidatorRegistration, registration(KEY), "")
    expected = {
        "ATTESTATION": attested.signing_root,
        "SYNC_COMMITTEE_MESSAGE": synced.signing_root,
        "AGGREGATE_AND_PROOF_V2": aggregate_object(CHAIN, slot, aggregated, duty).signing_root,
        name: contribution_object(CHAIN, slot, contributed, duty).signing_root,
        "RANDAO_REVEAL": pre_consensus_root(CHAIN, slot, RandaoReveal(index, KEY, epoch)),
        "AGGREGATION_SLOT": pre_consensus_root(CHAIN, slot, SlotSelection(index, KEY, slot)),
        "SYNC_COMMITTEE_SELECTION_PROOF": pre_consensus_root(CHAIN, slot, SyncSelection(index, KEY, slot, 2)),
        "VALIDATOR_REGISTRATION": pre_consensus_root(CHAIN, slot, Registration(index, registered)),
        "VOLUNTARY_EXIT": pre_consensus_root(CHAIN, slot, Exit(KEY, VoluntaryExit(epoch, index))),
    }
    assert {kind: root_of(plain[kind]).hex() for kind in expected} == {k: v.hex() for k, v in expected.items()}
