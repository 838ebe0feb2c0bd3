from dataclasses import replace

from libs.protocol.tests.runners.world import qbft

from ssv_protocol.effects import Received
from ssv_protocol.errors import Reason
from ssv_protocol.runners.admission import open_content
from ssv_protocol.runners.early import EARLY_REASONS, EarlyMessages
from ssv_protocol.types.ids import OperatorId
from ssv_protocol.types.roles import QbftMessageType


def messages(count: int) -> list[Received]:
    signed = [qbft(2, QbftMessageType.PREPARE, b"value", at_round) for at_round in range(1, count + 1)]
    return [Received(item, open_content(item)) for item in signed]


def test_gives_back_in_the_order_of_arrival_and_then_has_none() -> None:
    store, kept = EarlyMessages(), messages(3)
    for message in kept:
        store.keep(message)
    assert len(store) == 3
    assert list(store.take_all()) == kept
    assert len(store) == 0
    assert list(store.take_all()) == []


def test_the_oldest_goes_when_it_is_full() -> None:
    store, kept = EarlyMessages(limit=2), messages(3)
    for message in kept:
        store.keep(message)
    assert list(store.take_all()) == kept[1:]


def test_who_says_too_much_crowds_out_only_itself() -> None:
    store, loud = EarlyMessages(limit=2), messages(5)
    quiet = qbft(3, QbftMessageType.PREPARE, b"value")
    decided = replace(quiet, signatures=quiet.signatures * 3, operator_ids=tuple(map(OperatorId, (2, 3, 4))))
    kept = [Received(quiet, open_content(quiet)), Received(decided, open_content(decided))]
    for message in (*kept, *loud):
        store.keep(message)
    assert list(store.take_all()) == [*kept, *loud[-2:]]


def test_what_is_kept_again_while_taking_is_there_the_next_time() -> None:
    store, kept = EarlyMessages(), messages(2)
    for message in kept:
        store.keep(message)
    for message in store.take_all():
        store.keep(message)
    assert list(store.take_all()) == kept


def test_only_reasons_that_time_can_cure_are_early() -> None:
    assert Reason.NO_DECIDED_VALUE in EARLY_REASONS
    assert Reason.WRONG_ROUND in EARLY_REASONS
    assert not EARLY_REASONS & {Reason.PAST_ROUND, Reason.ENVELOPE_SIGNATURE, Reason.PROPOSED_DATA_MISMATCH}
