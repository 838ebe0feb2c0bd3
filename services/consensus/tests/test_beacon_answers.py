"""What the beacon port asks, and what it makes of the answers."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web
from libs.protocol.tests.types.zeros import zero
from services.consensus.tests.scripted_node import FULL, SIGNATURE, SLOT, Answer, ScriptedNode, hands_out, refuses, says

from ssv_consensus.beacon_port import BeaconPort
from ssv_ethereum.beacon.errors import BeaconAnswerInvalid, BeaconRefused
from ssv_protocol.effects import (
    Event,
    FetchAggregate,
    FetchAttestationData,
    FetchBlock,
    FetchBlockRoot,
    FetchContribution,
    FetchContributions,
    FetchedAggregate,
    FetchedBlock,
    FetchedBlockRoot,
    FetchedContributions,
)
from ssv_protocol.errors import SsvError
from ssv_protocol.types.beacon import fulu
from ssv_protocol.types.beacon.attestation import AttestationData, ElectraAttestation
from ssv_protocol.types.beacon.sync_committee import SyncCommitteeContribution
from ssv_protocol.types.contributions import Contribution
from ssv_protocol.types.ids import BlsSignature, Root
from ssv_protocol.types.ssz_json import to_json

AGGREGATE = "/eth/v2/validator/aggregate_attestation"
ATTESTATION_DATA = "/eth/v1/validator/attestation_data"
CONTRIBUTION = "/eth/v1/validator/sync_committee_contribution"


@pytest.mark.parametrize(("boost_percent", "sent"), [(None, {}), (0, {"builder_boost_factor": "0"})])
def test_a_block_is_asked_for_with_graffiti_and_boost(boost_percent: int | None, sent: dict[str, str]) -> None:
    blinded = FULL.blind()
    node = ScriptedNode({f"/eth/v3/validator/blocks/{SLOT}": hands_out(blinded.encode(), is_blinded=True)})
    question = FetchBlock(SLOT, SIGNATURE, b"hi")
    assert node.answer(question, boost_percent) == FetchedBlock(question, blinded)
    assert node.queries == [{"randao_reveal": "0x" + "0c" * 96, "graffiti": "0x6869" + "00" * 30, **sent}]


def test_a_full_block_comes_with_its_blobs() -> None:
    node = ScriptedNode({f"/eth/v3/validator/blocks/{SLOT}": hands_out(FULL.encode(), is_blinded=False)})
    fetched = node.answer(FetchBlock(SLOT, SIGNATURE, b""))
    assert isinstance(fetched, FetchedBlock)
    assert fetched.proposal == FULL


@pytest.mark.parametrize(("block", "is_blinded"), [(b"\x01\x02", False), (FULL.encode(), True)])
def test_a_block_that_is_none_or_not_what_it_is_called_is_invalid(block: bytes, is_blinded: bool) -> None:
    node = ScriptedNode({f"/eth/v3/validator/blocks/{SLOT}": hands_out(block, is_blinded=is_blinded)})
    with pytest.raises(BeaconAnswerInvalid, match="block of slot 9"):
        node.answer(FetchBlock(SLOT, SIGNATURE, b""))


def with_head(slot: int, block: Answer) -> ScriptedNode:
    """Return a node whose head is the block of `slot`, which it would build on."""
    answers = {"/eth/v1/beacon/blocks/head/root": says({"root": "0x" + root_of(slot).hex()})}
    for known in range(SLOT):
        header = says({"header": {"message": {"slot": str(known)}}})
        answers[f"/eth/v1/beacon/headers/0x{root_of(known).hex()}"] = header
    return ScriptedNode({**answers, f"/eth/v3/validator/blocks/{SLOT}": block})


def root_of(slot: int) -> Root:
    return Root(bytes([slot + 1]) * 32)


def block_on(slot: int) -> bytes:
    return zero(fulu.BlindedBeaconBlock, slot=SLOT, parent_root=root_of(slot)).encode()


def test_a_block_on_an_old_head_does_not_win_however_fast_it_comes() -> None:
    judged, header = asyncio.Event(), f"/eth/v1/beacon/headers/0x{root_of(5).hex()}"

    def tells(request: web.Request) -> web.Response:
        if stale.paths.count(header) == 2:  # once among the heads, once for its block
            judged.set()
        return says({"header": {"message": {"slot": "5"}}})(request)

    async def afterwards(request: web.Request) -> web.Response:
        await judged.wait()
        return hands_out(block_on(7), is_blinded=True)(request)

    stale, good = with_head(5, hands_out(block_on(5), is_blinded=True)), with_head(7, afterwards)
    stale.answers[header] = tells
    fetched = stale.run(lambda port: port.answer(FetchBlock(SLOT, SIGNATURE, b"")), others=[good])
    assert isinstance(fetched, FetchedBlock)
    assert fetched.proposal.block.parent_root == root_of(7)


@pytest.mark.parametrize("answer", [refuses(500), hands_out(b"\x01", is_blinded=True)])
def test_a_block_on_an_old_head_is_better_than_none(answer: Answer) -> None:
    stale, failing = with_head(5, hands_out(block_on(5), is_blinded=True)), with_head(7, answer)
    fetched = stale.run(lambda port: port.answer(FetchBlock(SLOT, SIGNATURE, b"")), others=[failing])
    assert isinstance(fetched, FetchedBlock)
    assert fetched.proposal.block.parent_root == root_of(5)


def test_the_head_to_vote_for_is_the_newest() -> None:
    question = FetchBlockRoot(SLOT)
    stale, good = with_head(5, refuses(500)), with_head(7, refuses(500))
    answer = stale.run(lambda port: port.answer(question), others=[good])
    assert answer == FetchedBlockRoot(question, root_of(7))


def voted(place: int, *bits: bool) -> tuple[AttestationData, ElectraAttestation]:
    data = zero(AttestationData, slot=SLOT, beacon_block_root=Root(bytes([place]) * 32))
    return data, zero(ElectraAttestation, aggregation_bits=bits, data=data)


def by_root(*known: ElectraAttestation) -> Answer:
    found = {"0x" + each.data.hash_tree_root().hex(): each for each in known}

    def answer(request: web.Request) -> web.Response:
        assert request.query["committee_index"] == "3"
        aggregate = found.get(request.query["attestation_data_root"])
        return says(to_json(aggregate))(request) if aggregate else refuses(404)(request)

    return answer


def test_after_a_late_block_the_aggregate_is_of_what_was_voted_for() -> None:
    (early, early_votes), (late, late_votes) = voted(1, True, True, False), voted(2, False, False, True)
    question = FetchAggregate(SLOT, 3)

    def head_moves(*named: AttestationData) -> Answer:
        told = iter(named)
        return lambda _: web.json_response({"data": to_json(next(told))})

    async def late_block(port: BeaconPort) -> Event:
        await port.answer(FetchAttestationData(SLOT))
        return await port.answer(question)

    for named, known in (
        ((early, late), (early_votes,)),
        ((early, late), (early_votes, late_votes)),
        ((late, early), (early_votes, late_votes)),
    ):
        node = ScriptedNode({ATTESTATION_DATA: head_moves(*named), AGGREGATE: by_root(*known)})
        assert node.run(late_block) == FetchedAggregate(question, early_votes)


def test_no_aggregate_and_a_failure_are_errors() -> None:
    data, _ = voted(1, True)
    node = ScriptedNode({ATTESTATION_DATA: says(to_json(data)), AGGREGATE: refuses(404)})
    with pytest.raises(BeaconRefused, match="404"):
        node.answer(FetchAggregate(SLOT, 3))
    node.answers[AGGREGATE] = refuses(503)
    with pytest.raises(BeaconRefused, match="503"):
        node.answer(FetchAggregate(SLOT, 3))


def test_the_head_is_asked_by_name_and_a_node_without_one_cannot_say() -> None:
    node = ScriptedNode({"/eth/v1/beacon/blocks/head/root": says({"root": "0x" + "0a" * 32})})
    question = FetchBlockRoot(SLOT)
    assert node.answer(question) == FetchedBlockRoot(question, Root(b"\x0a" * 32))
    node.answers["/eth/v1/beacon/blocks/head/root"] = refuses(404)
    with pytest.raises(SsvError, match="no head"):
        node.answer(question)


def test_contributions_keep_their_proofs_when_one_is_missing() -> None:
    root = Root(b"\x0a" * 32)
    contribution = zero(SyncCommitteeContribution, slot=SLOT, subcommittee_index=2, beacon_block_root=root)

    def answer(request: web.Request) -> web.Response:
        known = request.query["subcommittee_index"] == "2"
        return (says(to_json(contribution)) if known else refuses(404))(request)

    questions = tuple(FetchContribution(SLOT, index, root) for index in (1, 2))
    proofs = (BlsSignature(b"\x01" * 96), BlsSignature(b"\x02" * 96))
    question = FetchContributions(questions, proofs)
    expected = FetchedContributions(question, (Contribution(proofs[1], contribution),))
    node = ScriptedNode({CONTRIBUTION: answer})
    assert node.answer(question) == expected
    assert sorted(node.queries, key=str) == [
        {"slot": "9", "subcommittee_index": index, "beacon_block_root": "0x" + "0a" * 32} for index in "12"
    ]
