from __future__ import annotations

from libs.protocol.tests.signing.world import CLOCK, COMMITTEE, Decision, message_id, vote_for

from ssv_consensus.duty_record import DutyRecord, Outcome
from ssv_consensus.legs import Leg, LegTimes, medians_ms
from ssv_consensus.record_wire import record_message
from ssv_consensus.stages import Stage
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.types.ids import Instant, OperatorId, Round, ValidatorIndex
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.roles import BeaconRole, RunnerRole

A, B = ValidatorIndex(11), ValidatorIndex(12)
SEEN = frozenset(map(OperatorId, (3, 1, 2)))


def test_a_record_travels_with_everything() -> None:
    decided = Decision(vote_for(CLOCK).encode()).signed()
    record = DutyRecord(
        message_id(),
        CLOCK,
        (
            Outcome(BeaconRole.SYNC_COMMITTEE, A, None, SEEN),
            Outcome(BeaconRole.ATTESTER, B, MissedReason.SIGNER_REFUSED, missing=frozenset({OperatorId(3)})),
            Outcome(BeaconRole.ATTESTER, A, None, SEEN, frozenset({OperatorId(4), OperatorId(2)})),
        ),
        last_round=Round(2),
        decided=decided,
        stages_ms={Stage.START: 90.0, Stage.CONSENSUS: 40.0},
        legs_ms={Leg.SIGNER: [3.0, 1.0, 2.0], Leg.BUS: []},
    )
    message = record_message(OperatorId(1), COMMITTEE, record)
    assert (message.operator_id, message.committee_id, message.slot, message.last_round) == (1, COMMITTEE, CLOCK, 2)
    assert message.role == RunnerRole.COMMITTEE
    assert SignedSSVMessage.decode(message.decided) == decided
    assert [
        (each.duty_type, each.validator_index, each.submitted, each.missed_reason) for each in message.outcomes
    ] == [
        (BeaconRole.ATTESTER, A, True, ""),
        (BeaconRole.ATTESTER, B, False, "signer_refused"),
        (BeaconRole.SYNC_COMMITTEE, A, True, ""),
    ]
    assert list(message.outcomes[0].participants) == [1, 2, 3]
    assert list(message.outcomes[0].share_signers) == [2, 4]
    assert [list(each.missing_operators) for each in message.outcomes] == [[], [3], []]
    assert dict(message.stages_ms) == {"whole_duty": 90.0, "consensus": 40.0}
    assert dict(message.legs_ms_p50) == {"signer": 2.0}
    assert record.submitted == {A}
    assert record.missed == {B: MissedReason.SIGNER_REFUSED}


def test_who_was_not_selected_leaves_no_trace_and_misses_nothing() -> None:
    message = record_message(
        OperatorId(1), COMMITTEE, DutyRecord(message_id(RunnerRole.AGGREGATOR_COMMITTEE), CLOCK, ())
    )
    assert message.role == RunnerRole.AGGREGATOR_COMMITTEE
    assert not message.outcomes
    assert message.decided == b""


def test_a_clock_that_went_back_counts_as_no_time() -> None:
    legs = LegTimes()
    legs.add(Leg.BUS, Instant(5.0), Instant(4.0))
    legs.add(Leg.BUS, Instant(5.0), Instant(5.5))
    assert legs.times_ms == {Leg.BUS: [0.0, 500.0]}
    assert medians_ms({}) == {}
