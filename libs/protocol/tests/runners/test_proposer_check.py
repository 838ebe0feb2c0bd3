"""The value check of role 2: what a committee may agree to propose."""

from dataclasses import replace

import pytest
from libs.protocol.tests.runners.validator_world import duty, full_block, value_of
from libs.protocol.tests.runners.world import A, B, validator_key
from libs.protocol.tests.signing.world import CHAIN, CLOCK, SLOTS_PER_EPOCH

from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.forks import SsvFork
from ssv_protocol.runners.proposer_check import ProposerCheck, decode_value
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import Slot
from ssv_protocol.types.proposer_data import ProposerConsensusData
from ssv_protocol.types.roles import BeaconRole

OWN = duty(BeaconRole.PROPOSER)
BLOCK = full_block()


def check(fork: SsvFork = SsvFork.BOOLE, slashable: frozenset[int] = frozenset()) -> ProposerCheck:
    pubkey = validator_key(A).public_key()
    return ProposerCheck(pubkey, A, fork, CHAIN, lambda: CHAIN.epoch_of(CLOCK), lambda slot: slot in slashable)


def reason_of(value: bytes, by: ProposerCheck | None = None) -> Reason | None:
    try:
        (by or check())(value)
    except ProtocolError as error:
        return error.reason
    return None


@pytest.mark.parametrize("fork", SsvFork)
def test_full_and_blinded_blocks_are_both_welcome(fork: SsvFork) -> None:
    assert reason_of(value_of(BLOCK), check(fork)) is None
    assert reason_of(value_of(BLOCK.blind()), check(fork)) is None


@pytest.mark.parametrize("value", [b"", b"\x01" * 40])
def test_bytes_that_are_no_value_at_all(value: bytes) -> None:
    assert reason_of(value) is Reason.PROPOSER_DATA_DECODE


@pytest.mark.parametrize(("version", "data"), [(BLOCK.fork, b""), (3, BLOCK.encode()), (BLOCK.fork, b"\xff" * 500)])
@pytest.mark.parametrize("fork", SsvFork)
def test_a_value_without_a_block_that_we_know(fork: SsvFork, version: int, data: bytes) -> None:
    value = ProposerConsensusData(OWN, version, data).encode()
    assert reason_of(value, check(fork)) is Reason.VALUE_INVALID


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (replace(OWN, pubkey=validator_key(B).public_key()), Reason.DUTY_VALIDATOR_PUBKEY),
        (replace(OWN, validator_index=B), Reason.DUTY_VALIDATOR_INDEX),
        (replace(OWN, slot=Slot(CLOCK + 2 * SLOTS_PER_EPOCH)), Reason.DUTY_EPOCH_TOO_FAR),
        (replace(OWN, slot=Slot(CLOCK + SLOTS_PER_EPOCH)), None),
    ],
)
def test_the_duty_is_ours_and_not_far_ahead(wrong: ValidatorDuty, reason: Reason | None) -> None:
    assert reason_of(value_of(BLOCK, wrong)) is reason


def test_another_kind_of_duty_is_refused_as_its_rule_set_says() -> None:
    value = value_of(BLOCK, replace(OWN, type=BeaconRole.ATTESTER))
    assert reason_of(value, check(SsvFork.BOOLE)) is Reason.VALUE_INVALID
    assert reason_of(value, check(SsvFork.ALAN)) is Reason.VALUE_INVALID, "an attester has no such value"
    contributor = ProposerConsensusData(replace(OWN, type=BeaconRole.SYNC_COMMITTEE_CONTRIBUTION), BLOCK.fork, b"")
    assert reason_of(contributor.encode(), check(SsvFork.BOOLE)) is Reason.VALUE_INVALID
    assert reason_of(contributor.encode(), check(SsvFork.ALAN)) is Reason.DUTY_ROLE, "well-formed, but not a proposal"


def test_a_slashable_block_is_refused_by_the_slot_inside_of_it() -> None:
    assert reason_of(value_of(BLOCK), check(slashable=frozenset({CLOCK}))) is Reason.SLASHABLE_BLOCK
    assert reason_of(value_of(BLOCK), check(slashable=frozenset({CLOCK + 1}))) is None


def test_a_value_is_decoded_as_it_was_made() -> None:
    data = decode_value(value_of(BLOCK))
    assert (data.duty, data.proposal()) == (OWN, BLOCK)
