from dataclasses import replace

from libs.protocol.tests.qbft.simulation import commit, message, received

from ssv_protocol.qbft.container import MessageContainer
from ssv_protocol.qbft.received import ReceivedMessage, value_root
from ssv_protocol.types.ids import FIRST_ROUND, OperatorId, Round
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.roles import QbftMessageType

ONE, TWO, THREE, FOUR = (OperatorId(i) for i in (1, 2, 3, 4))


def signed_by(*operator_ids: OperatorId) -> ReceivedMessage:
    """Commits of several operators as one message, signatures as they may be."""
    single = commit(ONE, b"value")
    return received(replace(single, operator_ids=operator_ids, signatures=single.signatures * len(operator_ids)))


def content() -> SignedSSVMessage:
    return commit(ONE, b"value")


def test_the_first_message_of_a_signer_in_a_round_stays() -> None:
    container = MessageContainer()
    assert container.add_first(received(commit(ONE, b"a")))
    assert not container.add_first(received(commit(ONE, b"b")))
    assert container.add_first(received(commit(TWO, b"b")))
    assert container.add_first(received(commit(ONE, b"b", round_=2)))
    assert [item.qbft.root for item in container.of_round(FIRST_ROUND)] == [value_root(b"a"), value_root(b"b")]


def test_the_same_set_of_signers_counts_as_the_same_in_any_order() -> None:
    container = MessageContainer()
    assert container.add_first(signed_by(ONE, TWO))
    assert not container.add_first(signed_by(TWO, ONE))
    assert container.add_first(signed_by(ONE, TWO, THREE))


def test_add_keeps_all() -> None:
    container = MessageContainer()
    container.add(signed_by(ONE, TWO))
    container.add(signed_by(ONE, TWO))
    assert len(container.of_round(FIRST_ROUND)) == 2


def test_messages_after_a_round() -> None:
    container = MessageContainer()
    for round_ in (1, 2, 5):
        container.add(received(commit(ONE, b"a", round_)))
    assert {item.round for item in container.after_round(Round(1))} == {2, 5}


def test_an_aggregate_has_disjoint_signers_and_is_the_longest() -> None:
    container = MessageContainer()
    for signers in ((ONE, TWO), (TWO, THREE), (THREE, FOUR), (ONE,)):
        container.add(signed_by(*signers))
    longest = container.longest_aggregate(FIRST_ROUND, content().ssv_message)
    assert [item.signers for item in longest] == [(ONE, TWO), (THREE, FOUR)]


def test_the_first_of_two_equally_long_aggregates_wins() -> None:
    container = MessageContainer()
    for signers in ((ONE, TWO), (TWO, THREE)):
        container.add(signed_by(*signers))
    longest = container.longest_aggregate(FIRST_ROUND, content().ssv_message)
    assert [item.signers for item in longest] == [(ONE, TWO)]


def test_only_equal_contents_aggregate() -> None:
    container = MessageContainer()
    container.add(received(message(ONE, QbftMessageType.COMMIT, value_root(b"value"), data_round=7)))
    container.add(received(commit(TWO, b"value")))
    container.add(received(commit(THREE, b"other")))
    longest = container.longest_aggregate(FIRST_ROUND, content().ssv_message)
    assert [item.signers for item in longest] == [(TWO,)]
