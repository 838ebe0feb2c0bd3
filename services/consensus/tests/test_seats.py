from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest
from libs.protocol.tests.signing.world import NETWORK, OPERATORS, keys
from services.consensus.tests.test_duty_book import key

from ssv_consensus.seats import Preferences, own_committees, padded_graffiti, seat_of
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.registry.state import OperatorRecord, RegistryState, ValidatorRecord, cluster_id
from ssv_protocol.types.committee import committee_id
from ssv_protocol.types.ids import BlsPublicKey, ExecutionAddress, OperatorId, Slot, ValidatorIndex
from ssv_runtime.registry_client import RegistryView

OWNER = ExecutionAddress(bytes(20))
ME = OPERATORS[0]
COMMITTEE = committee_id(OPERATORS)
SLOT = Slot(3)
CHOSEN = Preferences(same_roots=True, graffiti=padded_graffiti("ssv é"), gas_limit=7, proposer_delay_s=0.5)


def validator(
    number: int, operators: tuple[OperatorId, ...] = OPERATORS, *, liquidated: bool = False
) -> ValidatorRecord:
    shares = tuple(BlsPublicKey(bytes([100 + number, operator]) * 24) for operator in operators)
    encrypted = tuple(bytes(256) for _ in operators)
    return ValidatorRecord(key(number), OWNER, operators, shares, encrypted, cluster_id(OWNER, operators), liquidated)


def view(*validators: ValidatorRecord, me: OperatorId | None = ME, without_key: tuple[int, ...] = ()) -> RegistryView:
    operators = {
        number: OperatorRecord(number, OWNER, b"", None if number in without_key else keys()[number].public_pem())
        for number in OPERATORS
    }
    state = RegistryState(
        1, bytes(32), MappingProxyType(operators), MappingProxyType({each.public_key: each for each in validators})
    )
    return RegistryView(state, me)


def test_a_seat_has_the_committees_keys_and_the_shares_with_an_index() -> None:
    of_one, of_two = validator(1), validator(2)
    everything = view(of_one, of_two)
    seat = seat_of(everything, [of_one, of_two], {key(1): ValidatorIndex(11)}, NETWORK, SLOT, preferences=CHOSEN)
    assert seat.member.committee_id == COMMITTEE
    assert seat.member.operator_ids == OPERATORS
    assert seat.same_roots
    own = seat.of_validator(ValidatorIndex(11))
    assert (own.gas_limit, own.proposer_delay_s) == (7, 0.5)
    assert own.share.graffiti == "ssv é".encode() + bytes(26)
    assert set(seat.shares) == {11}
    assert seat.validators == {key(1), key(2)}
    assert seat.shares[ValidatorIndex(11)].share_pubkey == of_one.share_public_keys[0]


def test_liquidated_validators_make_no_committee() -> None:
    running, stopped = validator(1), validator(2, liquidated=True)
    assert own_committees(view(running, stopped)) == {COMMITTEE: [running]}
    assert own_committees(view(stopped)) == {}


def test_an_operator_that_is_not_registered_has_no_committee() -> None:
    assert own_committees(view(validator(1), me=None)) == {}
    with pytest.raises(ValueError, match="not registered"):
        seat_of(view(validator(1), me=None), [validator(1)], {}, NETWORK, SLOT)


def test_a_committee_without_enough_keys_has_no_seat() -> None:
    record = validator(1)
    assert seat_of(view(record, without_key=(4,)), [record], {}, NETWORK, SLOT).member.operator_ids == OPERATORS
    with pytest.raises(ProtocolError) as caught:
        seat_of(view(record, without_key=(3, 4)), [record], {}, NETWORK, SLOT)
    assert caught.value.reason is Reason.COMMITTEE_MEMBER_INVALID


def test_the_domain_is_that_of_the_slot() -> None:
    record = validator(1)
    boole = Slot(NETWORK.chain.first_slot(NETWORK.ssv.boole_epoch)) if NETWORK.ssv.boole_epoch is not None else SLOT
    domains = {seat_of(view(record), [record], {}, NETWORK, slot).member.domain for slot in (SLOT, boole)}
    assert domains == {NETWORK.ssv.alan_domain, NETWORK.ssv.boole_domain}


def test_views_are_values() -> None:
    record = validator(1)
    assert own_committees(view(replace(record, liquidated=True))) != own_committees(view(record))
