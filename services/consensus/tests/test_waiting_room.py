from __future__ import annotations

from dataclasses import replace

from libs.protocol.tests.runners.world import qbft
from libs.protocol.tests.signing.world import CLOCK, message_id

from ssv_consensus.waiting_room import DutyKey, Kept, WaitingRoom
from ssv_protocol.effects import Received
from ssv_protocol.runners.admission import open_content
from ssv_protocol.types.ids import Instant, OperatorId, Slot
from ssv_protocol.types.roles import QbftMessageType

MINE: DutyKey = (message_id(), CLOCK)
OTHER: DutyKey = (message_id(), Slot(CLOCK + 1))
TWO, THREE, FOUR = map(OperatorId, (2, 3, 4))


def said(operator: int, at_round: int) -> Received:
    signed = qbft(operator, QbftMessageType.PREPARE, b"", at_round)
    return Received(signed, open_content(signed))


def room(*messages: tuple[DutyKey, Received], limit: int = 3) -> WaitingRoom:
    made = WaitingRoom(limit)
    for key, message in messages:
        made.put(key, message, None)
    return made


def test_a_duty_gets_its_messages_once_in_their_order() -> None:
    first, second, third = said(2, 1), said(3, 1), said(2, 2)
    made = room((MINE, first), (OTHER, said(2, 3)), (MINE, second))
    made.put(MINE, third, Instant(7.0))
    expected: list[Kept] = [(first, None), (second, None), (third, Instant(7.0))]
    assert made.take(MINE) == expected
    assert made.take(MINE) == []
    assert len(made.take(OTHER)) == 1


def test_who_says_too_much_crowds_out_only_itself() -> None:
    kept = said(2, 1)
    loud = [said(3, number) for number in range(1, 6)]
    made = room((MINE, kept), *((MINE, message) for message in loud))
    assert made.take(MINE) == [(kept, None), *((message, None) for message in loud[-3:])]


def test_decisions_that_anybody_can_put_together_crowd_out_no_signer_of_theirs() -> None:
    kept = said(2, 1)
    decided = [
        Received(
            replace(each.signed, signatures=each.signed.signatures * 3, operator_ids=(TWO, THREE, FOUR)), each.content
        )
        for each in (said(4, number) for number in range(1, 6))
    ]
    made = room((MINE, kept), *((MINE, message) for message in decided))
    assert made.take(MINE) == [(kept, None), *((message, None) for message in decided[-3:])]


def test_what_is_over_is_forgotten() -> None:
    made = room((MINE, said(2, 1)), (OTHER, said(2, 2)))
    made.forget(lambda key: key[1] <= CLOCK)
    assert made.take(MINE) == []
    assert len(made.take(OTHER)) == 1
