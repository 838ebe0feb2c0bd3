"""Chances of selection: shares of many proofs, and single proofs worked out by hand."""

from hashlib import sha256

import pytest
from libs.protocol.tests.runners.aggregation_world import aggregator

from ssv_protocol.runners.selection import Selection, is_aggregator, is_sync_aggregator, subcommittee_of
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import BlsSignature
from ssv_protocol.types.roles import BeaconRole

PROOFS = [BlsSignature(number.to_bytes(96, "big")) for number in range(4_000)]


def of_length(length: int) -> ValidatorDuty:
    duty = aggregator()
    return ValidatorDuty(BeaconRole.AGGREGATOR, duty.pubkey, duty.slot, duty.validator_index, 2, length)


@pytest.mark.parametrize(("length", "one_in"), [(512, 32), (64, 4), (47, 2)])
def test_a_committee_has_about_sixteen_aggregators(length: int, one_in: int) -> None:
    selected = sum(is_aggregator(of_length(length), proof) for proof in PROOFS)
    assert 0.7 < selected * one_in / len(PROOFS) < 1.3


@pytest.mark.parametrize("length", [0, 1, 16, 31])
def test_everybody_of_a_small_committee_aggregates(length: int) -> None:
    assert all(is_aggregator(of_length(length), proof) for proof in PROOFS[:100])


def test_a_subcommittee_has_about_sixteen_aggregators() -> None:
    assert 0.7 < sum(map(is_sync_aggregator, PROOFS)) * 8 / len(PROOFS) < 1.3


def test_the_first_eight_bytes_of_the_hash_decide_read_from_the_little_end() -> None:
    for proof in PROOFS[:200]:
        digest = sha256(proof).digest()
        assert is_sync_aggregator(proof) == (digest[0] % 8 == 0)
        assert is_aggregator(of_length(16 * 256), proof) == (digest[0] == 0)


def test_subcommittees_are_quarters_of_the_sync_committee() -> None:
    assert [subcommittee_of(position) for position in (0, 127, 128, 255, 256, 511)] == [0, 0, 1, 1, 2, 3]


def test_a_seat_asks_the_chain_s_own_questions_by_default() -> None:
    assert Selection() == Selection(is_aggregator, is_sync_aggregator, subcommittee_of)
