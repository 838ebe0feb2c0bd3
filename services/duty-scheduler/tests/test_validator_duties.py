from dataclasses import replace
from types import MappingProxyType

import pytest

from ssv_duty_scheduler.knowledge import EpochDuties, Known
from ssv_duty_scheduler.validator_duties import DutyRules, event_duties, validator_duties
from ssv_ethereum.beacon.duties import ProposerDuties, ProposerDuty
from ssv_ethereum.beacon.validators import ValidatorInfo
from ssv_protocol.beacon_chain import BeaconChain, BeaconFork, ScheduledFork
from ssv_protocol.registry.state import ChainMoment, Recipient, RegistryState, ValidatorRecord, cluster_id
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import (
    BlsPublicKey,
    Epoch,
    ExecutionAddress,
    ForkVersion,
    OperatorId,
    Root,
    Slot,
    ValidatorIndex,
)
from ssv_protocol.types.roles import BeaconRole
from ssv_runtime.registry_client import RegistryView

OWNER, OTHER_OWNER = ExecutionAddress(b"\x01" * 20), ExecutionAddress(b"\x02" * 20)
IDS = tuple(OperatorId(number) for number in (1, 2, 3, 4))
GENESIS_S, SLOT_S, SLOTS_PER_EPOCH = 1_700_000_000, 6.0, 8
FORKS = (ScheduledFork(BeaconFork.PHASE0, ForkVersion(bytes(4)), Epoch(0)),)
CHAIN = BeaconChain(GENESIS_S, Root(bytes(32)), SLOT_S, SLOTS_PER_EPOCH, 4, 32, FORKS)
RULES = DutyRules(CHAIN, builder_registrations=True)
NO_BUILDERS = replace(RULES, builder_registrations=False)
PROPOSER, REGISTRATION, EXIT = BeaconRole.PROPOSER, BeaconRole.VALIDATOR_REGISTRATION, BeaconRole.VOLUNTARY_EXIT

Found = list[tuple[int, int, int]]


def key(index: int) -> BlsPublicKey:
    return BlsPublicKey(index.to_bytes(2, "big") * 24)


def record(index: int, owner: ExecutionAddress = OWNER) -> ValidatorRecord:
    return ValidatorRecord(key(index), owner, IDS, (key(0),) * 4, (b"",) * 4, cluster_id(owner, IDS))


def asked_in(slot: int) -> ChainMoment:
    return ChainMoment(slot + 7, int(GENESIS_S + slot * SLOT_S))


def known(
    *records: ValidatorRecord, status: str = "active_ongoing", activation: int = 0, **owners: ChainMoment
) -> Known:
    """`owners`: when the fee recipient of `owner` or `other_owner` changed."""
    addresses = {"owner": OWNER, "other_owner": OTHER_OWNER}
    recipients = {addresses[name]: Recipient(ExecutionAddress(b"\x05" * 20), 1, at) for name, at in owners.items()}
    state = RegistryState(
        validators=MappingProxyType({each.public_key: each for each in records}),
        recipients=MappingProxyType(recipients),
    )
    infos = {
        each.public_key: ValidatorInfo(index, each.public_key, status, Epoch(activation))
        for each in records
        for index in [ValidatorIndex(int.from_bytes(each.public_key[:2], "big"))]
    }
    return Known(RegistryView(state, OperatorId(1), 0), infos, dict.fromkeys(infos, Epoch(0)))


def epoch_duties(epoch: int, *proposals: tuple[int, int]) -> EpochDuties:
    duties = tuple(ProposerDuty(Slot(slot), ValidatorIndex(index), key(index)) for slot, index in proposals)
    return EpochDuties(Epoch(epoch), None, None, ProposerDuties(Root(bytes(32)), duties))


def found(rules: DutyRules, what: Known, duties: EpochDuties) -> Found:
    records = list(what.view.state.validators.values())
    made = validator_duties(rules, what, records, duties)
    assert all(duty == ValidatorDuty.decode(duty.encode()) for duty in made)
    assert all(duty.pubkey == key(duty.validator_index) for duty in made)
    return [(duty.slot, duty.type, duty.validator_index) for duty in made]


def in_epochs(rules: DutyRules, what: Known, epochs: range) -> dict[int, Found]:
    made = {epoch: found(rules, what, epoch_duties(epoch)) for epoch in epochs}
    return {epoch: duties for epoch, duties in made.items() if duties}


def test_proposals_of_own_validators_only() -> None:
    duties = epoch_duties(9, (77, 3), (72, 1), (73, 99))
    assert found(NO_BUILDERS, known(record(1), record(3)), duties) == [(72, PROPOSER, 1), (77, PROPOSER, 3)]
    assert found(NO_BUILDERS, known(record(1)), replace(duties, proposer=None)) == []


@pytest.mark.parametrize("index", [0, 7, 79, 80, 12_345])
def test_a_registration_comes_once_in_ten_epochs_in_the_slot_that_the_index_gives(index: int) -> None:
    made = in_epochs(RULES, known(record(index)), range(20, 40))
    slots = [slot for duties in made.values() for slot, _, _ in duties]
    assert slots == [160 + index % 80, 240 + index % 80]
    assert all(slot // SLOTS_PER_EPOCH == epoch for epoch, ((slot, _, _),) in made.items())
    assert in_epochs(NO_BUILDERS, known(record(index)), range(20, 40)) == {}


@pytest.mark.parametrize(
    ("status", "activation", "is_registered"),
    [
        ("active_ongoing", 0, True),
        ("active_exiting", 0, True),
        ("active_slashed", 0, False),
        ("pending_queued", 30, True),
        ("pending_queued", 31, False),
        ("pending_initialized", 0, False),
        ("exited_unslashed", 0, False),
        ("withdrawal_possible", 0, False),
    ],
)
def test_those_are_registered_who_attest_within_ten_epochs(status: str, activation: int, is_registered: bool) -> None:
    what = known(record(3), status=status, activation=activation, owner=asked_in(160))
    expected = [(163, REGISTRATION, 3), (164, REGISTRATION, 3)] if is_registered else []
    assert found(RULES, what, epoch_duties(20)) == expected


def test_a_new_fee_recipient_is_registered_for_all_of_its_owners_validators() -> None:
    what = known(record(70), record(71), record(69, OTHER_OWNER), owner=asked_in(161))
    assert in_epochs(RULES, what, range(19, 24)) == {20: [(165, REGISTRATION, 70), (165, REGISTRATION, 71)]}


def test_a_registration_due_for_two_reasons_in_one_slot_is_one() -> None:
    assert found(RULES, known(record(5), owner=asked_in(161)), epoch_duties(20)) == [(165, REGISTRATION, 5)]


def test_an_exit_comes_four_slots_after_its_block_in_the_epoch_of_that_slot() -> None:
    asks, stays = replace(record(70), exit_request=asked_in(165)), record(71)
    assert in_epochs(RULES, known(asks, stays), range(19, 24)) == {21: [(169, EXIT, 70)]}
    in_the_middle_of_a_slot = replace(asks, exit_request=ChainMoment(1, int(GENESIS_S + 165 * SLOT_S) + 5))
    assert in_epochs(RULES, known(in_the_middle_of_a_slot), range(19, 24)) == {21: [(169, EXIT, 70)]}


def test_those_that_events_asked_for_can_be_told_from_the_rest() -> None:
    what = known(replace(record(5), exit_request=asked_in(161)), record(6, OTHER_OWNER), other_owner=asked_in(162))
    records = list(what.view.state.validators.values())
    made = event_duties(RULES, what, records, Epoch(20))
    assert [(duty.slot, duty.type, duty.validator_index) for duty in made] == [(165, EXIT, 5), (166, REGISTRATION, 6)]
    assert [duty.type for duty in event_duties(NO_BUILDERS, what, records, Epoch(20))] == [EXIT]
    assert found(RULES, what, epoch_duties(20)) == [
        (165, REGISTRATION, 5), (165, EXIT, 5), (166, REGISTRATION, 6),
    ]  # fmt: skip


def test_the_order_is_by_slot_type_and_index_whatever_the_records_are_in() -> None:
    records = [replace(record(index), exit_request=asked_in(161)) for index in (5, 4, 85)]
    duties = epoch_duties(20, (165, 85), (161, 4))
    expected = [
        (161, PROPOSER, 4),
        (164, REGISTRATION, 4),
        (165, PROPOSER, 85),
        (165, REGISTRATION, 5),
        (165, REGISTRATION, 85),
        (165, EXIT, 4),
        (165, EXIT, 5),
        (165, EXIT, 85),
    ]
    assert found(RULES, known(*records), duties) == expected
    assert found(RULES, known(*records[::-1]), duties) == expected
