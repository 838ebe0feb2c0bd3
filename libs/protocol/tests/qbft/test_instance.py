import pytest
from libs.protocol.tests.qbft.simulation import (
    FOUR,
    HEIGHT,
    IDENTIFIER,
    REFUSED_VALUE,
    Network,
    commit,
    config_of,
    content_of,
    message,
    prepare,
    prepared_round_change,
    proposal,
    refused,
    round_change,
    started,
)

from ssv_protocol.crypto.rsa import verify_envelope
from ssv_protocol.effects import Send
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.qbft.instance import Instance
from ssv_protocol.qbft.outputs import CutOffReached, Decided, StartTimer
from ssv_protocol.qbft.received import value_root
from ssv_protocol.qbft.state import State
from ssv_protocol.types.ids import Round
from ssv_protocol.types.roles import QbftMessageType

ONE, TWO, THREE, _ = FOUR
VALUE = b"value"


def prepared(operator_id: int = TWO) -> Instance:
    """An instance that has prepared VALUE in round 1."""
    instance = started(FOUR[operator_id - 1])
    instance.process(proposal(ONE, VALUE))
    for item in (ONE, TWO, THREE):
        instance.process(prepare(item, VALUE))
    return instance


def test_four_operators_decide_the_leaders_value() -> None:
    network = Network()
    network.start_all(lambda operator_id: b"value of %d" % operator_id)
    network.settle()
    assert network.decided == dict.fromkeys(FOUR, b"value of 1")
    assert set(network.rounds.values()) == {1}


def test_only_the_leader_proposes_at_the_start() -> None:
    instance = Instance(config_of(ONE), State(IDENTIFIER, HEIGHT))
    timer, send = instance.start(VALUE)
    assert timer == StartTimer(Round(1))
    assert content_of(send).msg_type == QbftMessageType.PROPOSAL
    assert content_of(send).root == value_root(VALUE)
    assert Instance(config_of(TWO), State(IDENTIFIER, HEIGHT)).start(VALUE) == [StartTimer(Round(1))]


def test_a_second_start_does_nothing() -> None:
    instance = started(ONE, b"first")
    assert instance.start(b"second") == []
    assert instance.state.start_value == b"first"


def test_an_own_vote_counts_only_when_it_comes_back() -> None:
    instance = started(TWO)
    instance.process(proposal(ONE, VALUE))
    instance.process(prepare(ONE, VALUE))
    assert instance.process(prepare(THREE, VALUE)) == []
    (send,) = instance.process(prepare(TWO, VALUE))
    assert content_of(send).msg_type == QbftMessageType.COMMIT


def test_a_decision_is_signed_by_a_quorum_in_ascending_order() -> None:
    instance = prepared()
    for item in (THREE, ONE):
        assert instance.process(commit(item, VALUE)) == []
    (decided,) = instance.process(commit(TWO, VALUE))
    assert isinstance(decided, Decided)
    assert decided.commit.operator_ids == (ONE, TWO, THREE)
    assert decided.value == VALUE
    assert verify_envelope(instance.config.member, decided.commit)


def test_an_odd_commit_of_one_operator_does_not_keep_the_others_from_deciding() -> None:
    instance = prepared()
    odd = message(ONE, QbftMessageType.COMMIT, value_root(VALUE), data_round=7)
    assert instance.process(odd) == []
    assert instance.process(commit(TWO, VALUE)) == []
    assert instance.process(commit(THREE, VALUE)) == []
    (decided,) = instance.process(commit(FOUR[3], VALUE))
    assert isinstance(decided, Decided)
    assert decided.commit.operator_ids == (TWO, THREE, FOUR[3])
    assert verify_envelope(instance.config.member, decided.commit)


def test_the_second_proposal_of_an_equivocating_leader_is_refused() -> None:
    instance = started(TWO)
    instance.process(proposal(ONE, b"first"))
    assert refused(lambda: instance.process(proposal(ONE, b"second"))) is Reason.PROPOSAL_INVALID
    assert refused(lambda: instance.process(prepare(ONE, b"second"))) is Reason.PROPOSED_DATA_MISMATCH
    accepted = instance.state.accepted_proposal
    assert accepted is not None
    assert accepted.signed.full_data == b"first"


@pytest.mark.parametrize(
    ("signed", "reason"),
    [
        (lambda: proposal(TWO, VALUE), Reason.PROPOSAL_LEADER),
        (lambda: proposal(ONE, REFUSED_VALUE), Reason.VALUE_INVALID),
        (lambda: prepare(ONE, VALUE), Reason.PROPOSAL_MISSING),
        (lambda: commit(ONE, VALUE), Reason.PROPOSAL_MISSING),
        (lambda: proposal(TWO, VALUE, 2), Reason.ROUND_CHANGE_NO_QUORUM),
    ],
)
def test_refused_in_a_fresh_instance(signed: object, reason: Reason) -> None:
    instance = started(THREE)
    assert callable(signed)
    assert refused(lambda: instance.process(signed())) is reason


def test_a_round_change_carries_the_prepared_value_into_the_next_round() -> None:
    network = Network()
    network.start_all(lambda operator_id: b"value of %d" % operator_id)
    for operator_id in FOUR:  # all prepare, nobody hears a commit
        controller = network.controllers[operator_id]
        for item in (proposal(ONE, VALUE), *(prepare(other, VALUE) for other in FOUR)):
            controller.process(item)
    network.pending.clear()
    for operator_id in FOUR:
        network.time_out(operator_id)
    network.settle()
    assert network.decided == dict.fromkeys(FOUR, VALUE)
    assert set(network.rounds.values()) == {2}


def test_without_a_prepared_value_the_next_leader_proposes_its_own() -> None:
    network = Network()
    network.start_all(lambda operator_id: b"value of %d" % operator_id)
    network.pending.clear()
    for operator_id in FOUR:
        network.time_out(operator_id)
    network.settle()
    assert network.decided == dict.fromkeys(FOUR, b"value of 2")


def test_a_timeout_sends_the_lock_with_its_prepares() -> None:
    instance = prepared()
    send, timer = instance.on_timeout()
    assert timer == StartTimer(Round(2))
    content = content_of(send)
    assert (content.round, content.data_round, content.root) == (2, 1, value_root(VALUE))
    assert len(content.round_change_justification) == 3
    assert isinstance(send, Send)
    assert instance.state.accepted_proposal is None


def test_a_leader_may_not_leave_the_prepared_value() -> None:
    prepares = [prepare(item, VALUE) for item in (ONE, TWO, THREE)]
    changes = [
        prepared_round_change(ONE, 2, VALUE, prepares),
        round_change(TWO, 2),
        round_change(THREE, 2),
    ]
    other = proposal(TWO, b"other", 2, changes, prepares)
    assert refused(lambda: started(THREE).process(other)) is Reason.VALUE_ROOT
    good = proposal(TWO, VALUE, 2, changes, prepares)
    timer, send = started(THREE).process(good)
    assert timer == StartTimer(Round(2))
    assert content_of(send).msg_type == QbftMessageType.PREPARE


def test_the_prepares_must_be_those_of_the_highest_prepared_round() -> None:
    first = [prepare(item, VALUE) for item in (ONE, TWO, THREE)]
    second = [prepare(item, VALUE, 2) for item in (ONE, TWO, THREE)]
    changes = [
        prepared_round_change(ONE, 3, VALUE, first),
        prepared_round_change(TWO, 3, VALUE, second, data_round=2),
        round_change(THREE, 3),
    ]
    outdated = proposal(THREE, VALUE, 3, changes, first)
    assert refused(lambda: started(TWO).process(outdated)) is Reason.PREPARE_INVALID
    assert len(started(TWO).process(proposal(THREE, VALUE, 3, changes, second))) == 2


def test_f_plus_one_round_changes_pull_along_to_the_lowest_of_them() -> None:
    instance = started(THREE)
    assert instance.process(round_change(ONE, 5)) == []
    timer, send = instance.process(round_change(TWO, 4))
    assert timer == StartTimer(Round(4))
    assert content_of(send).round == 4
    assert refused(lambda: instance.process(round_change(FOUR[3], 3))) is Reason.PAST_ROUND


def test_the_round_before_the_cut_off_still_sends_its_round_change() -> None:
    instance = started(TWO, cutoff_round=Round(3))
    assert len(instance.on_timeout()) == 2
    send, _ = instance.on_timeout()
    assert content_of(send).round == 3
    assert refused(instance.on_timeout) is Reason.INSTANCE_TIMED_OUT
    assert refused(lambda: instance.process(proposal(ONE, VALUE))) is Reason.INSTANCE_STOPPED


def test_being_pulled_into_the_cut_off_sends_nothing_and_says_so() -> None:
    instance = started(THREE, cutoff_round=Round(3))
    instance.process(round_change(ONE, 3))
    with pytest.raises(CutOffReached) as caught:
        instance.process(round_change(TWO, 3))
    assert caught.value.reason is Reason.INSTANCE_STOPPED
    assert caught.value.outputs == [StartTimer(Round(3))]
    assert instance.state.round == 3


def test_a_stopped_instance_takes_nothing() -> None:
    instance = started(TWO)
    instance.stop()
    with pytest.raises(ProtocolError):
        instance.process(proposal(ONE, VALUE))
    assert instance.state.accepted_proposal is None
