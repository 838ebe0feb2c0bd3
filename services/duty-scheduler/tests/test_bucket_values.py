from dataclasses import replace
from random import Random
from types import MappingProxyType

from ssv_api.v1 import duties_pb2 as pb
from ssv_duty_scheduler.bucket_values import empty_value, is_settled, key_of, late_duties, values_of
from ssv_duty_scheduler.knowledge import EpochDuties, Known
from ssv_duty_scheduler.validator_duties import DutyRules
from ssv_duty_scheduler.value_cache import ValueCache
from ssv_ethereum.beacon.duties import AttesterDuties, AttesterDuty, ProposerDuties, ProposerDuty, SyncDuty
from ssv_ethereum.beacon.validators import ValidatorInfo
from ssv_protocol.beacon_chain import BeaconChain, BeaconFork, ScheduledFork
from ssv_protocol.registry.state import ChainMoment, RegistryState, ValidatorRecord, cluster_id
from ssv_protocol.types.committee import committee_id
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
from ssv_runtime.nats_permissions import MAX_PAYLOAD_BYTES
from ssv_runtime.registry_client import RegistryView

OWNER = ExecutionAddress(b"\x01" * 20)
OURS = tuple(OperatorId(number) for number in (1, 2, 3, 4))
ALSO_OURS = tuple(OperatorId(number) for number in (1, 5, 6, 7))
THEIRS = tuple(OperatorId(number) for number in (5, 6, 7, 8))
ROOT = Root(b"\x0d" * 32)
EPOCH = Epoch(9)


def key(number: int) -> BlsPublicKey:
    return BlsPublicKey(bytes([number]) * 48)


def record(number: int, operators: tuple[OperatorId, ...], *, liquidated: bool = False) -> ValidatorRecord:
    share_keys = tuple(key(number + 100 + seat) for seat in range(4))
    encrypted = (b"\x00" * 256,) * 4
    cluster = cluster_id(OWNER, operators)
    return ValidatorRecord(key(number), OWNER, operators, share_keys, encrypted, cluster, liquidated)


def attestation(number: int, slot: int) -> AttesterDuty:
    return AttesterDuty(Slot(slot), ValidatorIndex(number * 10), key(number), 3, 64, 4, 5)


def seat(number: int, *places: int) -> SyncDuty:
    return SyncDuty(ValidatorIndex(number * 10), key(number), places)


RECORDS = [
    record(1, OURS),
    record(2, OURS),
    record(3, OURS, liquidated=True),
    record(4, OURS),  # not on the beacon chain
    record(5, OURS),  # not held by the signer
    record(6, ALSO_OURS, liquidated=True),
    record(7, THEIRS),
]
STATE = RegistryState(validators=MappingProxyType({each.public_key: each for each in RECORDS}))
ACTIVE = (1, 2, 3, 5, 6, 7)
KNOWN = Known(
    RegistryView(STATE, OperatorId(1), 0),
    {key(n): ValidatorInfo(ValidatorIndex(n * 10), key(n), "active_ongoing", Epoch(0)) for n in ACTIVE},
    {key(n): Epoch(n) for n in (1, 2, 3, 4, 6)},
)
DUTIES = EpochDuties(
    EPOCH,
    AttesterDuties(ROOT, (attestation(2, 75), attestation(1, 75), attestation(5, 72), attestation(3, 73))),
    (seat(7, 1), seat(2, *range(20, 36)), seat(3, 2)),
    ProposerDuties(
        ROOT,
        (
            ProposerDuty(Slot(74), ValidatorIndex(70), key(7)),
            ProposerDuty(Slot(72), ValidatorIndex(10), key(1)),
            ProposerDuty(Slot(73), ValidatorIndex(11), key(99)),
        ),
    ),
)
FORKS = (ScheduledFork(BeaconFork.PHASE0, ForkVersion(bytes(4)), Epoch(0)),)
RULES = DutyRules(BeaconChain(1_700_000_000, ROOT, 6.0, 8, 4, 32, FORKS))
NETWORK_KEYS = {"9.network", *(f"9.network.{digit}" for digit in "0123456789abcdef")}
COMMITTEE, OTHER = committee_id(OURS), committee_id(ALSO_OURS)


def test_a_committee_gets_the_duties_of_those_who_can_sign() -> None:
    value = pb.CommitteeDuties.FromString(values_of(KNOWN, DUTIES, RULES)[key_of(EPOCH, COMMITTEE)])
    assert (value.epoch, value.committee_id, value.dependent_root) == (EPOCH, COMMITTEE, ROOT)
    assert [(own.index, own.public_key, own.may_sign_from_epoch) for own in value.validators] == [
        (10, key(1), 1),
        (20, key(2), 2),
    ]
    assert [ValidatorDuty.decode(duty) for duty in value.attester] == [
        ValidatorDuty(BeaconRole.ATTESTER, key(1), Slot(75), ValidatorIndex(10), 3, 64, 4, 5),
        ValidatorDuty(BeaconRole.ATTESTER, key(2), Slot(75), ValidatorIndex(20), 3, 64, 4, 5),
    ]
    (sync,) = [ValidatorDuty.decode(duty) for duty in value.sync_committee]
    assert (sync.type, sync.slot, sync.validator_index) == (BeaconRole.SYNC_COMMITTEE, 0, 20)
    assert sync.validator_sync_committee_indices == tuple(range(20, 33))
    assert [ValidatorDuty.decode(duty) for duty in value.validator_duties] == [
        ValidatorDuty(BeaconRole.PROPOSER, key(1), Slot(72), ValidatorIndex(10))
    ]


def test_an_own_committee_without_duties_has_a_value_and_others_have_none() -> None:
    values = values_of(KNOWN, DUTIES, RULES)
    assert set(values) == {key_of(EPOCH, COMMITTEE), key_of(EPOCH, OTHER), *NETWORK_KEYS}
    value = pb.CommitteeDuties.FromString(values[key_of(EPOCH, OTHER)])
    assert (len(value.validators), len(value.attester), len(value.sync_committee)) == (0, 0, 0)
    emptied = pb.CommitteeDuties.FromString(empty_value(key_of(EPOCH, OTHER)))
    assert (emptied.epoch, emptied.committee_id) == (EPOCH, OTHER)


def test_the_network_value_holds_duties_of_ssv_validators_and_only_those() -> None:
    value = pb.NetworkDuties.FromString(values_of(KNOWN, DUTIES, RULES)["9.network"])
    assert [(duty.slot, duty.validator_index) for duty in value.proposers] == [(72, 10), (74, 70)]
    assert list(value.sync_committee_validators) == [20, 30, 70]


def test_the_parts_hold_each_ssv_validator_that_the_chain_knows_once() -> None:
    infos = {
        **KNOWN.infos,
        key(1): ValidatorInfo(ValidatorIndex(10), key(1), "pending_queued", Epoch(2**64 - 1)),
        key(2): ValidatorInfo(ValidatorIndex(20), key(2), "active_exiting", Epoch(3), Epoch(12)),
    }
    values = values_of(replace(KNOWN, infos=infos), DUTIES, RULES)
    parts = {part: pb.KnownValidators.FromString(values[f"9.network.{part:x}"]).validators for part in range(16)}
    assert {part: [each.index for each in found] for part, found in parts.items() if found} == {
        n % 16: [n * 10] for n in ACTIVE
    }
    assert all(each.public_key[-1] % 16 == part for part, found in parts.items() for each in found)
    (pending,), (leaving,), (other,) = parts[1], parts[2], parts[3]
    assert not pending.HasField("activation_epoch")
    assert (leaving.activation_epoch, leaving.exit_epoch) == (3, 12)
    assert other.HasField("activation_epoch")
    assert not other.HasField("exit_epoch")


def test_the_network_value_does_not_grow_with_the_validators_and_its_parts_fit_the_bus() -> None:
    keys = [BlsPublicKey(n.to_bytes(48, "little")[::-1]) for n in range(1_600)]
    infos = {
        k: ValidatorInfo(ValidatorIndex(2**21 + n), k, "active_ongoing", Epoch(300_000)) for n, k in enumerate(keys)
    }
    state = RegistryState(validators=MappingProxyType({k: replace(record(1, THEIRS), public_key=k) for k in keys}))
    values = values_of(replace(KNOWN, view=RegistryView(state, OperatorId(1), 0), infos=infos), DUTIES, RULES)
    small = values_of(KNOWN, DUTIES, RULES)
    assert len(values["9.network"]) <= len(small["9.network"])
    bytes_each = max(len(value) for key_, value in values.items() if key_.startswith("9.network.")) / 100
    assert bytes_each * 2_500_000 / 16 < MAX_PAYLOAD_BYTES


def test_only_complete_values_are_made() -> None:
    network, committees = NETWORK_KEYS, {key_of(EPOCH, COMMITTEE), key_of(EPOCH, OTHER)}
    unasked = replace(KNOWN, may_sign_from=None)
    for known, duties, expected in [
        (KNOWN, replace(DUTIES, attester=None), network),
        (KNOWN, replace(DUTIES, proposer=None), committees),
        (KNOWN, replace(DUTIES, sync=None), set()),
        (unasked, DUTIES, network),
    ]:
        assert set(values_of(known, duties, RULES)) == expected
        assert is_settled(known, duties) == (expected >= committees)


def test_a_committee_does_not_wait_for_proposers() -> None:
    value = pb.CommitteeDuties.FromString(
        values_of(KNOWN, replace(DUTIES, proposer=None), RULES)[key_of(EPOCH, COMMITTEE)]
    )
    assert len(value.attester) == 2
    assert not value.validator_duties


def test_the_same_knowledge_gives_the_same_bytes_in_whatever_order_it_came() -> None:
    assert DUTIES.attester is not None
    assert DUTIES.sync is not None
    assert DUTIES.proposer is not None
    turned = EpochDuties(
        EPOCH,
        AttesterDuties(ROOT, DUTIES.attester.duties[::-1]),
        DUTIES.sync[::-1],
        ProposerDuties(ROOT, DUTIES.proposer.duties[::-1]),
    )
    state = RegistryState(validators=MappingProxyType({each.public_key: each for each in RECORDS[::-1]}))
    infos = dict(reversed(list(KNOWN.infos.items())))
    known = Known(RegistryView(state, OperatorId(1), 0), infos, KNOWN.may_sign_from)
    assert values_of(known, turned, RULES) == values_of(KNOWN, DUTIES, RULES)


def test_what_is_kept_is_what_would_be_made_whatever_becomes_another() -> None:
    assert KNOWN.may_sign_from is not None
    fewer = MappingProxyType({each.public_key: each for each in RECORDS[1:]})
    infos = {**KNOWN.infos, key(4): ValidatorInfo(ValidatorIndex(40), key(4), "active_ongoing", Epoch(0))}
    wanted_exit = replace(RECORDS[0], exit_request=ChainMoment(5, 1_700_000_000 + 6 * 71))
    leaving = MappingProxyType({each.public_key: each for each in (wanted_exit, *RECORDS[1:])})
    assert DUTIES.attester is not None
    knowledge = [
        KNOWN,
        replace(KNOWN, infos=infos),
        replace(KNOWN, view=RegistryView(RegistryState(validators=fewer), OperatorId(1), 0)),
        replace(KNOWN, view=RegistryView(RegistryState(validators=leaving), OperatorId(1), 0)),
        replace(KNOWN, may_sign_from={**KNOWN.may_sign_from, key(1): Epoch(20)}),
        replace(KNOWN, may_sign_from=None),
        replace(KNOWN, waiting=frozenset([key(1)])),
        replace(KNOWN, stopped=frozenset([key(2)])),
    ]
    answers = [
        DUTIES,
        replace(DUTIES, attester=AttesterDuties(Root(b"\x0e" * 32), DUTIES.attester.duties[:1])),
        replace(DUTIES, sync=(seat(7, 1),)),
        replace(DUTIES, proposer=None),
        replace(DUTIES, attester=None),
        replace(DUTIES, epoch=Epoch(8)),
    ]
    cache, dice = ValueCache(RULES), Random(1)
    for _ in range(300):
        known, duties = dice.choice(knowledge), [dice.choice(answers[:-1]), answers[-1]]
        expected = {name: value for each in duties for name, value in values_of(known, each, RULES).items()}
        assert cache.values(known, duties) == expected
        assert cache.late(known, Epoch(8)) == late_duties(known, Epoch(8), RULES)
        if dice.random() < 0.5:
            cache.forget_unused()


def test_nothing_is_made_again_while_nothing_changes() -> None:
    assert KNOWN.may_sign_from is not None
    cache = ValueCache(RULES)
    first = cache.values(KNOWN, [DUTIES])
    cache.forget_unused()
    again = replace(KNOWN, may_sign_from=dict(KNOWN.may_sign_from), waiting=frozenset())
    second = cache.values(again, [DUTIES])
    assert first.keys() == second.keys() == values_of(KNOWN, DUTIES, RULES).keys()
    assert all(second[name] is value for name, value in first.items())
    cache.forget_unused()
    cache.forget_unused()
    assert all(cache.values(KNOWN, [DUTIES])[name] is not value for name, value in first.items())
