from __future__ import annotations

import asyncio

import pytest
from libs.protocol.tests.signing.world import CHAIN, COMMITTEE
from services.consensus.tests.fake_time import now, run

from ssv_api.v1 import duties_pb2 as pb
from ssv_consensus.duty_book import KEPT_EPOCHS, CommitteeDuties, DutyBook
from ssv_protocol.errors import ProtocolError
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import BlsPublicKey, CommitteeId, Epoch, Slot, ValidatorIndex
from ssv_protocol.types.roles import BeaconRole

EPOCH = Epoch(3)
FIRST = CHAIN.first_slot(EPOCH)
OTHER = CommitteeId(b"\x07" * 32)


def key(index: int) -> BlsPublicKey:
    return BlsPublicKey(bytes([index]) * 48)


def attester(index: int, slot: int) -> ValidatorDuty:
    return ValidatorDuty(BeaconRole.ATTESTER, key(index), Slot(slot), ValidatorIndex(index), 0, 64, 4, 1)


def sync(index: int) -> ValidatorDuty:
    return ValidatorDuty(
        BeaconRole.SYNC_COMMITTEE, key(index), Slot(0), ValidatorIndex(index), validator_sync_committee_indices=(5,)
    )


def value(*duties: ValidatorDuty, epoch: int = EPOCH, committee: bytes = COMMITTEE) -> pb.CommitteeDuties:
    return pb.CommitteeDuties(
        epoch=epoch,
        committee_id=committee,
        validators=[pb.OwnValidator(index=i, public_key=key(i), may_sign_from_epoch=i) for i in (1, 2)],
        attester=[duty.encode() for duty in duties if duty.type == BeaconRole.ATTESTER],
        sync_committee=[duty.encode() for duty in duties if duty.type == BeaconRole.SYNC_COMMITTEE],
    )


def duties_at(book: DutyBook, slot: int, committee: CommitteeId = COMMITTEE) -> tuple[ValidatorDuty, ...]:
    async def ask() -> tuple[ValidatorDuty, ...]:
        duty = await CommitteeDuties(book, committee, now, 2).committee_duty(Slot(slot))
        return () if duty is None else duty.validator_duties

    return run(ask)


def test_attestations_in_their_slot_and_sync_messages_in_each() -> None:
    book = DutyBook(CHAIN)
    assert book.put(value(attester(1, FIRST), attester(2, FIRST), attester(1, FIRST + 2), sync(2))) == COMMITTEE
    in_first = duties_at(book, FIRST)
    assert in_first[:2] == (attester(1, FIRST), attester(2, FIRST))
    assert [(duty.type, duty.slot) for duty in in_first[2:]] == [(BeaconRole.SYNC_COMMITTEE, FIRST)]
    assert [duty.type for duty in duties_at(book, FIRST + 1)] == [BeaconRole.SYNC_COMMITTEE]
    assert len(duties_at(book, FIRST + 2)) == 2


def test_a_slot_without_duties_is_known_to_have_none() -> None:
    book = DutyBook(CHAIN)
    book.put(value(attester(1, FIRST)))
    assert duties_at(book, FIRST + 1) == ()


def test_a_new_value_replaces_the_old_one_of_its_committee_only() -> None:
    book = DutyBook(CHAIN)
    book.put(value(attester(1, FIRST)))
    book.put(value(attester(1, FIRST), committee=OTHER))
    book.put(value(attester(1, FIRST + 1)))
    assert duties_at(book, FIRST) == ()
    assert duties_at(book, FIRST + 1) == (attester(1, FIRST + 1),)
    assert duties_at(book, FIRST, OTHER) == (attester(1, FIRST),)


def test_duties_that_are_not_known_are_waited_for() -> None:
    async def scenario() -> None:
        book = DutyBook(CHAIN)
        source = CommitteeDuties(book, COMMITTEE, now, 2)
        await asyncio.sleep(CHAIN.slot_start(FIRST))
        asked = asyncio.create_task(source.committee_duty(FIRST))
        await asyncio.sleep(1)
        book.put(value(attester(1, FIRST), committee=OTHER))
        await asyncio.sleep(1)
        assert not asked.done()
        book.put(value(attester(1, FIRST)))
        duty = await asked
        assert duty is not None
        assert duty.validator_duties == (attester(1, FIRST),)

    run(scenario)


def test_the_wait_ends_with_the_duty() -> None:
    async def scenario() -> None:
        source = CommitteeDuties(DutyBook(CHAIN), COMMITTEE, now, 2)
        await asyncio.sleep(CHAIN.slot_start(FIRST))
        assert await source.committee_duty(FIRST) is None
        assert now() == pytest.approx(CHAIN.slot_start(Slot(FIRST + 2)))

    run(scenario)


def test_indices_and_first_epochs_are_those_of_the_validators() -> None:
    book = DutyBook(CHAIN)
    assert book.newest_epoch is None
    book.put(value())
    assert book.newest_epoch == EPOCH
    assert book.indices(COMMITTEE) == {key(1): 1, key(2): 2}
    assert book.may_sign_from(COMMITTEE, EPOCH) == {1: 1, 2: 2}
    assert book.may_sign_from(COMMITTEE, Epoch(EPOCH + 1)) == {}
    assert book.indices(OTHER) == {}


def test_old_epochs_go() -> None:
    book = DutyBook(CHAIN)
    for epoch in range(KEPT_EPOCHS + 4):
        book.put(value(epoch=epoch))
    kept = [epoch for epoch in range(KEPT_EPOCHS + 4) if book.may_sign_from(COMMITTEE, Epoch(epoch))]
    assert kept == [3, 4, 5]
    book.forget(COMMITTEE, Epoch(4))
    assert not book.may_sign_from(COMMITTEE, Epoch(4))


def test_a_value_that_cannot_be_read_changes_nothing() -> None:
    book = DutyBook(CHAIN)
    book.put(value(attester(1, FIRST)))
    broken = value()
    broken.attester.append(b"\x01")
    with pytest.raises(ProtocolError):
        book.put(broken)
    assert duties_at(book, FIRST) == (attester(1, FIRST),)
