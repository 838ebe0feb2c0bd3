from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from libs.protocol.tests.signing.world import CHAIN, COMMITTEE, NETWORK
from services.consensus.tests.fake_time import now, run

from ssv_api.v1 import duties_pb2 as pb
from ssv_consensus.due_duties import SlotDuties
from ssv_consensus.duty_book import KEPT_EPOCHS, CommitteeDuties, DutyBook
from ssv_protocol.errors import ProtocolError
from ssv_protocol.types.duty import CommitteeDuty, ValidatorDuty
from ssv_protocol.types.ids import BlsPublicKey, CommitteeId, Epoch, Slot, ValidatorIndex
from ssv_protocol.types.roles import BeaconRole

EPOCH = Epoch(3)
FIRST = CHAIN.first_slot(EPOCH)
OTHER = CommitteeId(b"\x07" * 32)
OWN = {BeaconRole.PROPOSER, BeaconRole.VALIDATOR_REGISTRATION, BeaconRole.VOLUNTARY_EXIT}


def key(index: int) -> BlsPublicKey:
    return BlsPublicKey(bytes([index]) * 48)


def attester(index: int, slot: int) -> ValidatorDuty:
    return ValidatorDuty(BeaconRole.ATTESTER, key(index), Slot(slot), ValidatorIndex(index), 0, 64, 4, 1)


def sync(index: int) -> ValidatorDuty:
    return ValidatorDuty(
        BeaconRole.SYNC_COMMITTEE, key(index), Slot(0), ValidatorIndex(index), validator_sync_committee_indices=(5,)
    )


def proposer(index: int, slot: int) -> ValidatorDuty:
    return ValidatorDuty(BeaconRole.PROPOSER, key(index), Slot(slot), ValidatorIndex(index))


def value(*duties: ValidatorDuty, epoch: int = EPOCH, committee: bytes = COMMITTEE) -> pb.CommitteeDuties:
    return pb.CommitteeDuties(
        epoch=epoch,
        committee_id=committee,
        validators=[pb.OwnValidator(index=i, public_key=key(i), may_sign_from_epoch=i) for i in (1, 2)],
        attester=[duty.encode() for duty in duties if duty.type == BeaconRole.ATTESTER],
        sync_committee=[duty.encode() for duty in duties if duty.type == BeaconRole.SYNC_COMMITTEE],
        validator_duties=[duty.encode() for duty in duties if duty.type in OWN],
    )


def duties_at(book: DutyBook, slot: int, committee: CommitteeId = COMMITTEE) -> tuple[ValidatorDuty, ...]:
    """Return what a committee votes on in a slot."""

    async def ask() -> tuple[ValidatorDuty, ...]:
        due = await CommitteeDuties(NETWORK, book, committee, now, 2).duties(Slot(slot))
        return tuple(each for duty in due if isinstance(duty, CommitteeDuty) for each in duty.validator_duties)

    return run(ask)


def listed(book: DutyBook, slot: int) -> SlotDuties:
    return run(lambda: book.duties(COMMITTEE, Slot(slot)))


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
        source = CommitteeDuties(NETWORK, book, COMMITTEE, now, 2)
        await asyncio.sleep(CHAIN.slot_start(FIRST))
        asked = asyncio.create_task(source.duties(FIRST))
        await asyncio.sleep(1)
        book.put(value(attester(1, FIRST), committee=OTHER))
        await asyncio.sleep(1)
        assert not asked.done()
        book.put(value(attester(1, FIRST)))
        assert CommitteeDuty(FIRST, (attester(1, FIRST),)) in await asked

    run(scenario)


def test_who_waits_is_woken_by_its_own_committee_alone() -> None:
    """A worker has hundreds of committees; each value that came would wake all of them."""

    async def scenario() -> None:
        book = DutyBook(CHAIN)
        asked = book.duties(COMMITTEE, FIRST)
        woken = asked.send(None)
        book.put(value(committee=OTHER))
        assert not woken.done()
        book.put(value())
        assert woken.done()
        asked.close()

    run(scenario)


def test_the_wait_ends_with_the_duty() -> None:
    async def scenario() -> None:
        source = CommitteeDuties(NETWORK, DutyBook(CHAIN), COMMITTEE, now, 2)
        await asyncio.sleep(CHAIN.slot_start(FIRST))
        assert await source.duties(FIRST) == ()
        assert now() == pytest.approx(CHAIN.slot_start(Slot(FIRST + 2)))

    run(scenario)


def test_a_validators_own_duties_are_those_of_their_slot() -> None:
    book = DutyBook(CHAIN)
    exit_ = replace(proposer(2, FIRST), type=BeaconRole.VOLUNTARY_EXIT)
    book.put(value(proposer(1, FIRST), exit_, proposer(1, FIRST + 1)))
    assert listed(book, FIRST) == SlotDuties(FIRST, own=(proposer(1, FIRST), exit_))
    assert listed(book, FIRST + 1).own == (proposer(1, FIRST + 1),)


def own_at(book: DutyBook, slot: int, at_slot: int) -> tuple[ValidatorDuty, ...]:
    """Return what a validator has of its own in a slot, asked in another."""

    async def ask() -> tuple[ValidatorDuty, ...]:
        await asyncio.sleep(CHAIN.slot_start(Slot(at_slot)))
        due = await CommitteeDuties(NETWORK, book, COMMITTEE, now, 2).duties(Slot(slot))
        return tuple(duty for duty in due if isinstance(duty, ValidatorDuty) and duty.type in OWN)

    return run(ask)


def test_what_was_asked_for_some_blocks_ago_is_told_late_and_nothing_else_is() -> None:
    """The first value of an epoch may have come to a worker that has just started: what is past in it has been done."""
    book = DutyBook(CHAIN)
    done, asked_for = proposer(1, FIRST), replace(proposer(2, FIRST), type=BeaconRole.VOLUNTARY_EXIT)
    book.put(value(done, attester(1, FIRST)))
    assert own_at(book, FIRST, FIRST + 1) == (done,)
    assert own_at(book, FIRST, FIRST + 4) == ()
    for _ in range(2):
        book.put(value(done, asked_for, attester(1, FIRST)))
        assert own_at(book, FIRST, FIRST + 1) == (done, asked_for)
        assert own_at(book, FIRST, FIRST + 4) == (asked_for,)
    book.put(value(done))
    assert own_at(book, FIRST, FIRST + 4) == ()
    assert own_at(book, CHAIN.first_slot(Epoch(EPOCH + 1)), CHAIN.first_slot(Epoch(EPOCH + 2))) == ()


def test_the_last_slot_of_a_period_belongs_to_the_new_sync_committee() -> None:
    period = CHAIN.epochs_per_sync_committee_period
    new = Epoch(period * 2)
    old, last = Epoch(new - 1), Slot(CHAIN.first_slot(new) - 1)
    book = DutyBook(CHAIN)
    book.put(value(sync(1), epoch=old))
    assert [each.validator_index for each in listed(book, last - 1).sync] == [1]
    assert listed(book, last).sync == (), "while nobody knows the new one"
    book.put(value(sync(2), epoch=new))
    assert [each.validator_index for each in listed(book, last - 1).sync] == [1]
    assert [(each.validator_index, each.slot) for each in listed(book, last).sync] == [(2, last)]
    assert [each.validator_index for each in listed(book, last + 1).sync] == [2]


def test_the_last_slot_of_an_epoch_within_a_period_needs_nothing_of_the_next() -> None:
    book = DutyBook(CHAIN)
    book.put(value(sync(1)))
    last = Slot(CHAIN.first_slot(Epoch(EPOCH + 1)) - 1)
    assert CHAIN.sync_period_of(EPOCH) == CHAIN.sync_period_of(Epoch(EPOCH + 1))
    assert [each.validator_index for each in listed(book, last).sync] == [1]


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
