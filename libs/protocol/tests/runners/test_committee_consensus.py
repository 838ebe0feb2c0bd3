"""The committee runner from its start to its decision, hand-fed. This operator is 1 of 4."""

from dataclasses import replace

import pytest
from libs.protocol.tests.runners.world import (
    AT,
    LEADER,
    LED_BY_US,
    STRANGER,
    A,
    B,
    attester,
    batch,
    fetch,
    objects,
    partials,
    qbft,
    receive,
    runner,
    seat,
)
from libs.protocol.tests.signing.world import CHAIN, CLOCK, Decision, message_id, vote_for

from ssv_protocol.effects import (
    Effect,
    FetchAttestationData,
    PostConsensusDraft,
    Publish,
    QbftDraft,
    Send,
    SetTimer,
    TimerFired,
)
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.runners.committee import CommitteeRunner
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.types.duty import CommitteeDuty
from ssv_protocol.types.ids import Instant, Round
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.roles import QbftMessageType

PROPOSAL, PREPARE, COMMIT, ROUND_CHANGE = QbftMessageType
VOTE = vote_for(CLOCK)
OTHER_HEAD = vote_for(CLOCK, head=8)
OTHER_SOURCE = vote_for(CLOCK, source=3)
FIRST_DEADLINE = Instant(CHAIN.slot_start(CLOCK) + 3.0)  # a third of 6 s, and the first round of 1 s
VALUE = VOTE.encode()


def refusal(machine: CommitteeRunner, signed: SignedSSVMessage) -> Reason:
    with pytest.raises(ProtocolError) as caught:
        receive(machine, signed)
    return caught.value.reason


def fetched() -> CommitteeRunner:
    machine = runner()
    fetch(machine, VOTE)
    return machine


def proposed() -> CommitteeRunner:
    machine = fetched()
    receive(machine, qbft(LEADER, PROPOSAL, VALUE))
    return machine


def prepared() -> CommitteeRunner:
    machine = proposed()
    for operator in (1, 2, 4):
        receive(machine, qbft(operator, PREPARE, VALUE))
    return machine


def sent(effects: list[Effect]) -> list[tuple[QbftMessageType, int]]:
    drafts = [effect.draft for effect in effects if isinstance(effect, Send)]
    return [
        (QbftMessageType(draft.message.msg_type), draft.message.round)
        for draft in drafts
        if isinstance(draft, QbftDraft)
    ]


def test_takes_only_duties_of_validators_that_it_has_shares_of() -> None:
    machine = runner(attester(A), attester(STRANGER))
    assert [duty.validator_index for duty in machine.duty.validator_duties] == [A]


@pytest.mark.parametrize(
    ("duties", "reason"), [((), Reason.NO_BEACON_DUTIES), ((attester(STRANGER),), Reason.NO_VALIDATOR_SHARES)]
)
def test_refuses_a_duty_without_work(duties: tuple[object, ...], reason: Reason) -> None:
    with pytest.raises(ProtocolError) as caught:
        CommitteeRunner(seat(), CommitteeDuty(CLOCK, duties))  # type: ignore[arg-type]
    assert caught.value.reason == reason


def test_starts_by_asking_what_to_attest() -> None:
    machine = runner()
    assert machine.start() == [FetchAttestationData(CLOCK)]
    assert refusal(machine, qbft(LEADER, PROPOSAL, VALUE)) == Reason.NO_RUNNING_DUTY
    assert machine.missed_reason(A) is MissedReason.NO_ATTESTATION_DATA


def test_waits_for_the_leader() -> None:
    machine = runner()
    assert fetch(machine, VOTE) == [SetTimer(Round(1), FIRST_DEADLINE)]
    assert machine.missed_reason(A) is MissedReason.NO_PROPOSAL


def test_proposes_its_own_view_as_the_leader() -> None:
    machine = runner(slot=LED_BY_US)
    own = vote_for(LED_BY_US)
    timer, send = fetch(machine, own)
    assert isinstance(timer, SetTimer)
    assert isinstance(send, Send)
    assert isinstance(send.draft, QbftDraft)
    assert (send.draft.message.msg_type, send.draft.full_data) == (PROPOSAL, own.encode())


def test_prepares_a_proposal_of_another_head() -> None:
    machine = fetched()
    assert sent(receive(machine, qbft(LEADER, PROPOSAL, OTHER_HEAD.encode()))) == [(PREPARE, 1)]
    assert machine.missed_reason(A) is MissedReason.NO_PREPARE_QUORUM


def test_commits_with_the_quorum_of_prepares_and_no_sooner() -> None:
    machine = proposed()
    effects = [sent(receive(machine, qbft(operator, PREPARE, VALUE))) for operator in (1, 4, 4, 3, 2)]
    assert effects == [[], [], [], [(COMMIT, 1)], []]
    assert machine.missed_reason(A) is MissedReason.NO_COMMIT_QUORUM


def test_decides_with_the_quorum_of_commits_and_asks_for_share_signatures() -> None:
    machine = prepared()
    assert receive(machine, qbft(4, COMMIT, VALUE)) == []
    assert receive(machine, qbft(2, COMMIT, VALUE)) == []
    publish, send = receive(machine, qbft(1, COMMIT, VALUE))
    assert isinstance(publish, Publish)
    assert publish.signed.operator_ids == (1, 2, 4)
    assert publish.signed.full_data == VALUE
    assert send == Send(PostConsensusDraft(message_id(), CLOCK, publish.signed, machine.duty.validator_duties))
    assert machine.vote == VOTE
    assert refusal(machine, qbft(3, COMMIT, VALUE)) == Reason.CONSENSUS_FINISHED


def test_takes_a_decision_that_others_made_and_does_not_announce_it() -> None:
    machine = fetched()
    decided = Decision(OTHER_HEAD.encode(), signers=(2, 3, 4)).signed()
    assert receive(machine, decided) == [
        Send(PostConsensusDraft(message_id(), CLOCK, decided, machine.duty.validator_duties))
    ]
    assert machine.vote == OTHER_HEAD
    assert machine.participants(A) == {2, 3, 4}


def test_a_message_of_the_future_or_without_its_proposal_is_too_early() -> None:
    machine = fetched()
    assert refusal(machine, qbft(2, PREPARE, VALUE)) == Reason.PROPOSAL_MISSING
    receive(machine, qbft(LEADER, PROPOSAL, VALUE))
    assert refusal(machine, qbft(2, PREPARE, VALUE, 2)) == Reason.WRONG_ROUND


def test_refuses_a_value_of_other_checkpoints() -> None:
    machine = fetched()
    assert refusal(machine, qbft(LEADER, PROPOSAL, OTHER_SOURCE.encode())) == Reason.CHECKPOINT_MISMATCH
    assert machine.missed_reason(A) is MissedReason.VALUE_REFUSED


def test_signs_nothing_for_a_decision_that_its_own_check_refuses() -> None:
    machine = fetched()
    assert refusal(machine, Decision(OTHER_SOURCE.encode()).signed()) == Reason.CHECKPOINT_MISMATCH
    assert machine.decided is None
    assert machine.vote is None
    assert machine.missed_reason(A) is MissedReason.VALUE_REFUSED
    assert machine.step(TimerFired(Round(1)), AT) == [], "the committee has decided: no round is left any more"


def test_other_roots_of_the_same_epochs_pass_unless_roots_must_match() -> None:
    other = replace(VOTE, target=replace(VOTE.target, root=VOTE.block_root))
    assert sent(receive(fetched(), qbft(LEADER, PROPOSAL, other.encode()))) == [(PREPARE, 1)]
    strict = runner(at_seat=seat(same_roots=True))
    fetch(strict, VOTE)
    assert refusal(strict, qbft(LEADER, PROPOSAL, other.encode())) == Reason.CHECKPOINT_MISMATCH


def test_a_round_that_is_over_is_left() -> None:
    machine = fetched()
    effects = machine.step(TimerFired(Round(1)), AT)
    assert sent(effects) == [(ROUND_CHANGE, 2)]
    assert effects[-1] == SetTimer(Round(2), Instant(FIRST_DEADLINE + 1.0))
    assert machine.round == 2


def test_a_timer_of_another_round_or_after_the_decision_does_nothing() -> None:
    machine = fetched()
    assert machine.step(TimerFired(Round(2)), AT) == []
    receive(machine, Decision(VALUE).signed())
    assert machine.step(TimerFired(Round(1)), AT) == []


def test_the_leader_of_the_second_round_proposes_with_the_quorum_of_round_changes() -> None:
    machine = fetched()
    machine.step(TimerFired(Round(1)), AT)
    effects = [sent(receive(machine, qbft(operator, ROUND_CHANGE, b"", 2))) for operator in (1, 2, 3)]
    assert effects == [[], [], [(PROPOSAL, 2)]]


def test_a_lock_is_carried_into_the_round_change() -> None:
    machine = prepared()
    send = machine.step(TimerFired(Round(1)), AT)[0]
    assert isinstance(send, Send)
    assert isinstance(send.draft, QbftDraft)
    assert send.draft.full_data == VALUE
    assert send.draft.message.data_round == 1
    assert len(send.draft.message.round_change_messages()) == 3


def test_rounds_end_at_the_cut_off() -> None:
    machine = runner(at_seat=seat(cutoff_round=Round(2)))
    fetch(machine, VOTE)
    machine.step(TimerFired(Round(1)), AT)
    assert machine.missed_reason(A) is MissedReason.ROUNDS_EXHAUSTED
    with pytest.raises(ProtocolError) as caught:
        machine.step(TimerFired(Round(2)), AT)
    assert caught.value.reason == Reason.INSTANCE_TIMED_OUT


def test_a_proposal_stays_known_when_its_round_is_left() -> None:
    machine = proposed()
    machine.step(TimerFired(Round(1)), AT)
    assert machine.missed_reason(B) is MissedReason.NO_PREPARE_QUORUM


def test_share_signatures_before_the_decision_are_too_early() -> None:
    machine = fetched()
    assert refusal(machine, batch(2, partials(2, objects(machine, VOTE)))) == Reason.NO_DECIDED_VALUE
