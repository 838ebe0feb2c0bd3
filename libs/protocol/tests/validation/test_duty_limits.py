"""How many duties and signatures there can be, where the neighbour of each limit is accepted."""

from __future__ import annotations

from dataclasses import replace

import pytest
from libs.protocol.tests.signing.world import BOOLE_EPOCH, CHAIN, CLOCK, NETWORK, OPERATORS, SLOTS_PER_EPOCH, message_id
from libs.protocol.tests.validation.cases_of_past import (
    AT_FIRST,
    FIRST,
    NOBODY,
    nobody_has_any,
    nobody_knows,
    with_duties,
    with_validators,
)
from libs.protocol.tests.validation.good_messages import CONTRIBUTOR, PROPOSER, RANDAO, lone
from libs.protocol.tests.validation.gossip_world import (
    EPOCH,
    INDEX,
    NOW,
    Consensus,
    Ears,
    Partials,
    beacon,
    ears,
    knowledge,
    validator_id,
)

from ssv_protocol.types.ids import Epoch, Instant, Slot
from ssv_protocol.types.roles import PartialSignatureType, RunnerRole
from ssv_protocol.validation.beacon_facts import NetworkDuties
from ssv_protocol.validation.history import Histories
from ssv_protocol.validation.incoming import Knowledge
from ssv_protocol.validation.topology import topic_at
from ssv_protocol.validation.verdict import Accept, GossipReason, Ignore, Reject

LAST = Slot(FIRST + SLOTS_PER_EPOCH - 1)
AT_LAST = Instant(CHAIN.slot_start(LAST) + 1.0)
BOOLE_SLOT = CHAIN.first_slot(BOOLE_EPOCH)
BOOLE_TOPIC = topic_at(NETWORK, BOOLE_SLOT, OPERATORS)
AT_BOOLE = Instant(CHAIN.slot_start(BOOLE_SLOT) + 1.0)


@pytest.mark.parametrize(
    ("known", "slots"),
    [
        (nobody_has_any(), 2),
        (with_validators(3, nobody_has_any().beacon), SLOTS_PER_EPOCH),  # not known of two whether they have a seat
        (with_validators(4, nobody_has_any().beacon), SLOTS_PER_EPOCH),  # twice four is all slots
        (knowledge(), SLOTS_PER_EPOCH),  # a seat in the sync committee is a duty in each slot
        (nobody_knows(), SLOTS_PER_EPOCH),
    ],
)
def test_a_committees_slots_in_an_epoch(known: Knowledge, slots: int) -> None:
    node = Ears(known, Histories())
    answers = [
        node.hear(Consensus(slot=Slot(slot)).signed(), at=AT_LAST) for slot in range(FIRST, FIRST + SLOTS_PER_EPOCH)
    ]
    assert [isinstance(answer, Accept) for answer in answers] == [number < slots for number in range(SLOTS_PER_EPOCH)]
    again = node.hear(Partials(slot=FIRST).signed(), at=AT_LAST)
    assert isinstance(again, Accept)  # another word of a slot that counts already


def test_the_count_begins_anew_with_the_epoch() -> None:
    known = with_duties({EPOCH: NOBODY, Epoch(EPOCH + 1): NOBODY})
    node = Ears(known, Histories())
    for slot in (LAST - 1, LAST, LAST + 1, LAST + 2):
        at = Instant(CHAIN.slot_start(Slot(slot)) + 1.0)
        assert isinstance(node.hear(Consensus(slot=Slot(slot)).signed(), at=at), Accept)


def test_randao_signatures_of_the_epochs_first_slot_do_not_wait_for_the_proposers() -> None:
    node = Ears(nobody_knows(), Histories())
    assert isinstance(node.hear(lone(RANDAO, PROPOSER, slot=FIRST), at=AT_FIRST), Accept)


def test_the_last_slot_of_a_period_is_the_next_sync_committees() -> None:
    period = CHAIN.epochs_per_sync_committee_period
    last_epoch = Epoch(period * 2 - 1)
    slot = Slot(CHAIN.first_slot(Epoch(last_epoch + 1)) - 1)
    at = Instant(CHAIN.slot_start(slot) + 1.0)
    member = NetworkDuties(frozenset(), frozenset({INDEX}))
    contribution = lone(PartialSignatureType.CONTRIBUTION_PROOFS, CONTRIBUTOR, slot=slot)
    for duties, accepted in (
        ({last_epoch: NOBODY, Epoch(last_epoch + 1): member}, True),
        ({last_epoch: member, Epoch(last_epoch + 1): NOBODY}, True),
        ({last_epoch: NOBODY, Epoch(last_epoch + 1): NOBODY}, False),
    ):
        node = Ears(with_duties(duties), Histories())
        assert isinstance(node.hear(contribution, at=at), Accept) is accepted


@pytest.mark.parametrize(
    ("known", "count", "reason"),
    [
        (knowledge(), 5, None),
        (knowledge(), 6, GossipReason.PARTIALS_TOO_MANY),
        (with_validators(2), 6, GossipReason.PARTIALS_REPEATED),
    ],
)
def test_an_aggregator_committees_batch(known: Knowledge, count: int, reason: GossipReason | None) -> None:
    duties = {BOOLE_EPOCH: NOBODY, Epoch(BOOLE_EPOCH + 1): NOBODY}
    node = Ears(replace(known, beacon=replace(beacon(), duties=duties)), Histories())
    identifier = message_id(RunnerRole.AGGREGATOR_COMMITTEE, BOOLE_SLOT)
    batch = Partials(PartialSignatureType.AGGREGATOR_COMMITTEE, BOOLE_SLOT, count, identifier).signed()
    answer = node.hear(batch, BOOLE_TOPIC, AT_BOOLE)
    assert isinstance(answer, Accept) if reason is None else isinstance(answer, Reject) and answer.reason is reason


@pytest.mark.parametrize(("validators", "most"), [(2, 4), (500, 1_000), (520, 520 + 512)])
def test_a_committees_batch_has_two_of_a_validator_or_all_seats_of_the_sync_committee(
    validators: int, most: int
) -> None:
    for count in (most, most + 1):
        answer = Ears(with_validators(validators), Histories()).hear(Partials(count=count, step=1).signed())
        assert isinstance(answer, Accept) is (count == most)
        assert count == most or (isinstance(answer, Reject) and answer.reason is GossipReason.PARTIALS_TOO_MANY)


@pytest.mark.parametrize(
    ("timeout_s", "since_s", "round_", "accepted"),
    [
        (2.0, 1.9, 2, True),
        (2.0, 1.9, 3, False),
        (2.0, 2.0, 3, True),
        (1.5, 1.4, 3, False),
        (1.5, 1.5, 3, True),
    ],
)
def test_proposals_rounds_are_counted_in_their_own_length(
    timeout_s: float, since_s: float, round_: int, accepted: bool
) -> None:
    ssv = replace(NETWORK.ssv, alan_proposer_timeout_s=timeout_s, quick_timeout_s=1.0)
    node = ears(replace(knowledge(), network=replace(NETWORK, ssv=ssv)))
    message = Consensus(round=round_, outer_id=validator_id(PROPOSER)).signed()
    answer = node.hear(message, at=Instant(CHAIN.slot_start(CLOCK) + since_s))
    assert isinstance(answer, Accept) is accepted
    if not accepted:
        assert isinstance(answer, Ignore)
        assert answer.reason is GossipReason.FUTURE_ROUND


def test_no_time_is_too_late_for_a_round_that_was() -> None:
    assert isinstance(ears().hear(Consensus(round=1).signed(), at=Instant(NOW + 30.0)), Accept)
