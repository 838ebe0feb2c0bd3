from dataclasses import replace

from libs.protocol.tests.qbft.simulation import (
    FOUR,
    IDENTIFIER,
    REFUSED_VALUE,
    config_of,
    message,
    proposal,
    received,
    refused,
)

from ssv_protocol.errors import Reason
from ssv_protocol.qbft.commit import aggregate
from ssv_protocol.qbft.controller import Controller
from ssv_protocol.qbft.outputs import Decided
from ssv_protocol.qbft.received import value_root
from ssv_protocol.types.ids import Height, OperatorId
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.roles import QbftMessageType

ONE, TWO, THREE, LAST = FOUR
VALUE = b"value"


def controller(stored_instances: int | None = 2) -> Controller:
    config = config_of(TWO)
    return Controller(IDENTIFIER, lambda _: config, stored_instances)


def decided(
    height: int, operator_ids: tuple[OperatorId, ...] = (ONE, TWO, THREE), round_: int = 1, value: bytes = VALUE
) -> SignedSSVMessage:
    commits = [
        message(item, QbftMessageType.COMMIT, value_root(value), round_, height=Height(height)) for item in operator_ids
    ]
    return aggregate([received(item) for item in commits], value)


def heights(item: Controller) -> list[Height]:
    return [instance.state.height for instance in item.instances]


def test_starting_a_height_stops_the_one_before() -> None:
    item = controller()
    item.start(Height(5), VALUE)
    item.start(Height(6), VALUE)
    assert [instance.state.stopped for instance in item.instances] == [False, True]
    assert refused(lambda: item.start(Height(6), VALUE)) is Reason.INSTANCE_RUNNING
    assert refused(lambda: item.start(Height(5), VALUE)) is Reason.INSTANCE_PAST_HEIGHT
    assert refused(lambda: item.start(Height(7), REFUSED_VALUE)) is Reason.VALUE_INVALID
    assert item.height == 6


def test_production_keeps_the_highest_two_and_the_specification_all() -> None:
    bounded, unbounded = controller(), controller(None)
    for height in (5, 6, 7):
        bounded.start(Height(height), VALUE)
        unbounded.start(Height(height), VALUE)
    assert heights(bounded) == [7, 6]
    assert heights(unbounded) == [7, 6, 5]


def test_a_decided_message_is_reported_once_and_moves_the_height() -> None:
    item = controller()
    item.start(Height(5), VALUE)
    (output,) = item.process(decided(9, round_=3))
    assert output == Decided(decided(9, round_=3), announce=False)
    assert item.height == 9
    assert item.process(decided(9, round_=3)) == []
    instance = item.instance(Height(9))
    assert instance is not None
    assert (instance.state.decided_value, instance.state.round) == (VALUE, 3)


def test_a_decided_message_is_kept_when_it_has_more_signers() -> None:
    item = controller()
    for signers in ((ONE, TWO, THREE), (TWO, THREE, LAST), FOUR):
        item.process(decided(9, signers))
    instance = item.instance(Height(9))
    assert instance is not None
    assert [kept.signers for kept in instance.state.commits.of_round(instance.state.round)] == [
        (ONE, TWO, THREE),
        FOUR,
    ]


def test_a_decided_message_of_a_forgotten_height_is_refused() -> None:
    item = controller()
    for height in (8, 9):
        item.process(decided(height))
    assert refused(lambda: item.process(decided(5))) is Reason.INSTANCE_PAST_HEIGHT
    assert heights(item) == [9, 8]


def test_a_decided_message_needs_good_signatures_and_its_value() -> None:
    item = controller()
    good = decided(9)
    swapped = replace(good, signatures=good.signatures[::-1])
    assert refused(lambda: item.process(swapped)) is Reason.MESSAGE_SIGNATURE
    assert refused(lambda: item.process(replace(good, full_data=b"other"))) is Reason.VALUE_ROOT
    assert item.instances == []


def test_messages_of_no_running_instance() -> None:
    item = controller()
    assert refused(lambda: item.process(proposal(ONE, VALUE))) is Reason.FUTURE_MESSAGE
    item.start(Height(9), VALUE)
    assert refused(lambda: item.process(proposal(ONE, VALUE))) is Reason.INSTANCE_NOT_FOUND
    assert refused(lambda: item.on_timeout(Height(4))) is Reason.INSTANCE_NOT_FOUND
    stranger = Controller(IDENTIFIER[:-1] + b"x", lambda _: config_of(TWO))  # type: ignore[arg-type]
    assert refused(lambda: stranger.process(proposal(ONE, VALUE))) is Reason.MESSAGE_IDENTIFIER


def test_a_decided_instance_takes_nothing_more() -> None:
    item = controller()
    item.start(Height(4), VALUE)
    item.process(decided(4))
    assert refused(lambda: item.process(proposal(ONE, VALUE))) is Reason.INSTANCE_DECIDED
