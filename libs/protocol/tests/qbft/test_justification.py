"""What a leader may bring to justify a proposal, one fault at a time."""

from dataclasses import replace
from functools import partial

import pytest
from libs.protocol.tests.qbft.simulation import (
    FOUR,
    HEIGHT,
    IDENTIFIER,
    STRANGER,
    message,
    prepare,
    prepared_round_change,
    proposal,
    refused,
    round_change,
    sign,
    started,
)

from ssv_protocol.effects import QbftDraft
from ssv_protocol.errors import Reason
from ssv_protocol.qbft.received import value_root
from ssv_protocol.types.ids import ZERO_ROOT, Height, Round
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import QbftMessageType

ONE, TWO, THREE, LAST = FOUR
VALUE = b"value"
CHANGE = QbftMessageType.ROUND_CHANGE


def prepares(in_round: int = 1) -> list[SignedSSVMessage]:
    return [prepare(item, VALUE, in_round) for item in (ONE, TWO, THREE)]


def by_two() -> SignedSSVMessage:
    first, second = round_change(ONE, 2), round_change(THREE, 2)
    return replace(first, operator_ids=(ONE, THREE), signatures=(*first.signatures, *second.signatures))


def with_a_broken_justification() -> SignedSSVMessage:
    content = QbftMessage(CHANGE, HEIGHT, Round(2), IDENTIFIER, ZERO_ROOT, Round(0), (), (b"\x00",))
    return sign(ONE, QbftDraft(content))


FAULTS = [
    (message(ONE, QbftMessageType.PREPARE, value_root(VALUE), 2), Reason.JUSTIFICATION_INVALID),
    (message(ONE, CHANGE, round_=2, height=Height(HEIGHT + 1)), Reason.WRONG_HEIGHT),
    (round_change(ONE, 3), Reason.WRONG_ROUND),
    (by_two(), Reason.ONE_SIGNER_ONLY),
    (with_a_broken_justification(), Reason.SSZ_DECODE),
    (round_change(STRANGER, 2), Reason.SIGNER_NOT_IN_COMMITTEE),
    (prepared_round_change(ONE, 2, VALUE, prepares(3), data_round=3), Reason.JUSTIFICATION_INVALID),
]
NAMES = ["Prepare", "OtherHeight", "OtherRound", "TwoSigners", "Broken", "Stranger", "PreparedLater"]


@pytest.mark.parametrize(("bad", "reason"), FAULTS, ids=NAMES)
def test_one_bad_round_change_spoils_a_proposal_with_a_quorum_of_good_ones(
    bad: SignedSSVMessage, reason: Reason
) -> None:
    good = [round_change(item, 2) for item in (TWO, THREE, LAST)]
    assert len(started(THREE).process(proposal(TWO, VALUE, 2, good))) == 2
    # the prepares are those that the one prepared in a later round would need
    spoiled = proposal(TWO, VALUE, 2, [*good, bad], prepares(3))
    assert refused(lambda: started(THREE).process(spoiled)) is reason


def test_a_value_may_have_been_prepared_in_the_very_round() -> None:
    changes = [prepared_round_change(item, 2, VALUE, prepares(2), data_round=2) for item in (ONE, TWO, THREE)]
    assert len(started(THREE).process(proposal(TWO, VALUE, 2, changes, prepares(2)))) == 2


def test_a_prepared_value_needs_a_quorum_of_prepares_in_the_proposal() -> None:
    changes = [prepared_round_change(item, 2, VALUE, prepares()) for item in (ONE, TWO, THREE)]
    for too_few in ([], prepares()[:2], [prepares()[0]] * 3):
        unproven = partial(started(THREE).process, proposal(TWO, VALUE, 2, changes, too_few))
        assert refused(unproven) is Reason.JUSTIFICATION_INVALID
