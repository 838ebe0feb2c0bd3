"""What the beacon port hands over, where, and what counts as refused."""

from __future__ import annotations

import json
import logging

import pytest
from aiohttp import web
from libs.protocol.tests.types.zeros import zero
from services.consensus.tests.scripted_node import FULL, SIGNATURE, SLOT, Answer, ScriptedNode, refuses, says

from ssv_consensus.ports import Handed
from ssv_protocol.effects import Submit
from ssv_protocol.types.beacon.attestation import (
    Phase0Attestation,
    SignedElectraAggregateAndProof,
    SignedPhase0AggregateAndProof,
    SingleAttestation,
)
from ssv_protocol.types.beacon.block_proposal import BlockProposal, SignedProposal
from ssv_protocol.types.beacon.exit import SignedVoluntaryExit, VoluntaryExit
from ssv_protocol.types.beacon.registration import SignedValidatorRegistration
from ssv_protocol.types.beacon.sync_committee import SignedContributionAndProof, SyncCommitteeMessage
from ssv_protocol.types.ids import Epoch, ValidatorIndex
from ssv_protocol.types.roles import BeaconRole
from ssv_protocol.types.ssz_json import to_json

ZERO, FIVE, SIX = map(ValidatorIndex, (0, 5, 6))
ATTESTATIONS = "/eth/v2/beacon/pool/attestations"
EXITS = "/eth/v1/beacon/pool/voluntary_exits"
BLOCKS, BLINDED_BLOCKS = "/eth/v2/beacon/blocks", "/eth/v2/beacon/blinded_blocks"


@pytest.mark.parametrize(("proposal", "path"), [(FULL, BLOCKS), (FULL.blind(), BLINDED_BLOCKS)])
def test_a_block_is_published_in_the_form_in_which_it_is_here(proposal: BlockProposal, path: str) -> None:
    node = ScriptedNode()
    signed = SignedProposal(proposal, SIGNATURE)
    assert not node.refused(Submit(proposals=(signed,)))
    assert node.paths == [path]
    assert node.bodies[path] == signed.container.encode()


@pytest.mark.parametrize(
    ("root", "refused"),
    [
        (says({"root": "0x" + FULL.root().hex()}), set()),
        (says({"root": "0x" + "0a" * 32}), {(BeaconRole.PROPOSER, FIVE)}),
        (refuses(404), {(BeaconRole.PROPOSER, FIVE)}),
        (refuses(500), {(BeaconRole.PROPOSER, FIVE)}),
    ],
)
def test_a_refused_block_is_taken_if_the_node_has_it(root: Answer, refused: set[Handed]) -> None:
    node = ScriptedNode({BLOCKS: refuses(500), f"/eth/v1/beacon/blocks/{SLOT}/root": root})
    assert node.refused(Submit(proposals=(SignedProposal(FULL, SIGNATURE),))) == refused


def test_a_refused_blinded_block_is_taken_if_the_leaders_comes_to_the_node() -> None:
    root = f"/eth/v1/beacon/blocks/{SLOT}/root"
    blinded = Submit(proposals=(SignedProposal(FULL.blind(), SIGNATURE),))

    def comes(request: web.Request) -> web.Response:
        answer = refuses(404) if node.paths.count(root) < 3 else says({"root": "0x" + FULL.root().hex()})
        return answer(request)

    node = ScriptedNode({BLINDED_BLOCKS: refuses(500), root: comes})
    assert node.refused(blinded) == set()
    assert node.paths.count(root) == 3


def resets(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


def test_what_no_node_answers_to_is_handed_over_again() -> None:
    def comes_back(request: web.Request) -> web.Response:
        return resets(request) if node.paths.count(ATTESTATIONS) < 3 else web.Response()

    node = ScriptedNode({ATTESTATIONS: comes_back})
    attestations = Submit(attesters=(FIVE,), attestations=(zero(SingleAttestation, attester_index=FIVE),))
    assert node.refused(attestations) == set()
    assert node.paths == [ATTESTATIONS] * 3


def test_a_refusal_is_an_answer() -> None:
    node = ScriptedNode({ATTESTATIONS: refuses(400)})
    attestations = Submit(attesters=(FIVE,), attestations=(zero(SingleAttestation, attester_index=FIVE),))
    assert node.refused(attestations) == {(BeaconRole.ATTESTER, FIVE)}
    assert node.paths == [ATTESTATIONS]


EVERYTHING = Submit(
    attesters=(FIVE, SIX),
    attestations=tuple(zero(SingleAttestation, attester_index=index) for index in (FIVE, SIX)),
    sync_messages=(zero(SyncCommitteeMessage, validator_index=FIVE),),
    proposals=(SignedProposal(FULL, SIGNATURE),),
    aggregates=(zero(SignedElectraAggregateAndProof),),
    contributions=(zero(SignedContributionAndProof),),
    registrations=(zero(SignedValidatorRegistration),),
    exits=(SignedVoluntaryExit(VoluntaryExit(Epoch(1), FIVE), SIGNATURE),),
    registrants=(SIX,),
)
OF_EVERYTHING: dict[str, set[Handed]] = {
    ATTESTATIONS: {(BeaconRole.ATTESTER, FIVE), (BeaconRole.ATTESTER, SIX)},
    "/eth/v1/beacon/pool/sync_committees": {(BeaconRole.SYNC_COMMITTEE, FIVE)},
    BLOCKS: {(BeaconRole.PROPOSER, FIVE)},
    "/eth/v2/validator/aggregate_and_proofs": {(BeaconRole.AGGREGATOR, ZERO)},
    "/eth/v1/validator/contribution_and_proofs": {(BeaconRole.SYNC_COMMITTEE_CONTRIBUTION, ZERO)},
    "/eth/v1/validator/register_validator": {(BeaconRole.VALIDATOR_REGISTRATION, SIX)},
    EXITS: {(BeaconRole.VOLUNTARY_EXIT, FIVE)},
}
QUESTIONS_AFTERWARDS = {
    f"/eth/v1/beacon/blocks/{SLOT}/root": refuses(404),
    f"GET {EXITS}": says([]),
    "/eth/v1/beacon/states/head/validators": says([]),
}


def test_everything_goes_to_its_place() -> None:
    node = ScriptedNode()
    assert node.refused(EVERYTHING) == set()
    assert sorted(node.paths) == sorted(OF_EVERYTHING)
    for path in OF_EVERYTHING.keys() - {BLOCKS, EXITS}:
        assert isinstance(json.loads(node.bodies[path]), list)


@pytest.mark.parametrize("failing", OF_EVERYTHING)
def test_what_fails_is_named_and_hinders_nothing_else(failing: str, caplog: pytest.LogCaptureFixture) -> None:
    node = ScriptedNode({f"POST {failing}": refuses(503), **QUESTIONS_AFTERWARDS})
    with caplog.at_level(logging.WARNING):
        assert node.refused(EVERYTHING) == OF_EVERYTHING[failing]
    assert set(node.paths) >= OF_EVERYTHING.keys()
    (line,) = [record.getMessage() for record in caplog.records if record.name.startswith("ssv_consensus")]
    (role,) = {role for role, _ in OF_EVERYTHING[failing]}
    indices = sorted({index for _, index in OF_EVERYTHING[failing]})
    assert f"slot 9: not taken: {role.name.lower()} of validators {indices}: " in line


@pytest.mark.parametrize(("place", "refused"), [(0, {FIVE}), (1, {SIX}), (2, {FIVE, SIX})])
def test_of_a_batch_only_what_the_node_names_is_refused(place: int, refused: set[ValidatorIndex]) -> None:
    """A place that is none in the batch says nothing, so all count as refused."""
    node = ScriptedNode({ATTESTATIONS: refuses(400, failures=[{"index": place, "message": "old"}])})
    assert node.refused(EVERYTHING) == {(BeaconRole.ATTESTER, index) for index in refused}


@pytest.mark.parametrize(
    "answers",
    [
        {f"GET {EXITS}": says([to_json(EVERYTHING.exits[0])])},
        {
            f"GET {EXITS}": says([]),
            "/eth/v1/beacon/states/head/validators": says(
                [
                    {
                        "index": "5",
                        "status": "active_exiting",
                        "validator": {"pubkey": "0x" + "0b" * 48, "activation_epoch": "0", "exit_epoch": "7"},
                    }
                ]
            ),
        },
    ],
)
def test_a_refused_exit_is_taken_if_the_validator_is_leaving(answers: dict[str, Answer]) -> None:
    node = ScriptedNode({f"POST {EXITS}": refuses(500), **answers})
    assert node.refused(Submit(exits=EVERYTHING.exits)) == set()


def test_shapes_of_before_electra_are_refused_here() -> None:
    node = ScriptedNode()
    work = Submit(
        attesters=(FIVE,),
        attestations=(zero(Phase0Attestation, aggregation_bits=(True,)),),
        aggregates=(zero(SignedPhase0AggregateAndProof),),
    )
    assert node.refused(work) == {(BeaconRole.ATTESTER, FIVE), (BeaconRole.AGGREGATOR, ZERO)}
    assert not node.paths


def test_nothing_is_sent_for_nothing() -> None:
    node = ScriptedNode()
    assert node.refused(Submit()) == set()
    assert not node.paths
