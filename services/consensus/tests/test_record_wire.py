from __future__ import annotations

from libs.protocol.tests.signing.world import CLOCK, COMMITTEE, Decision, vote_for

from ssv_consensus.duty_record import DutyRecord
from ssv_consensus.legs import Leg, LegTimes, medians_ms
from ssv_consensus.record_wire import record_message
from ssv_consensus.stages import Stage
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.types.ids import Instant, OperatorId, Round, ValidatorIndex
from ssv_protocol.types.messages import SignedSSVMessage

A, B = ValidatorIndex(11), ValidatorIndex(12)


def test_a_record_travels_with_everything() -> None:
    decided = Decision(vote_for(CLOCK).encode()).signed()
    record = DutyRecord(
        slot=CLOCK,
        attesters=frozenset({A, B}),
        submitted=frozenset({A}),
        missed={B: MissedReason.SIGNER_REFUSED},
        participants={A: frozenset(map(OperatorId, (3, 1, 2)))},
        last_round=Round(2),
        decided=decided,
        stages_ms={Stage.START: 90.0, Stage.CONSENSUS: 40.0},
        legs_ms={Leg.SIGNER: [3.0, 1.0, 2.0], Leg.BUS: []},
    )
    message = record_message(OperatorId(1), COMMITTEE, record)
    assert (message.operator_id, message.committee_id, message.slot, message.last_round) == (1, COMMITTEE, CLOCK, 2)
    assert SignedSSVMessage.decode(message.decided) == decided
    first, second = message.outcomes
    assert (first.validator_index, first.submitted, first.missed_reason) == (A, True, "")
    assert list(first.participants) == [1, 2, 3]
    assert (second.validator_index, second.submitted, second.missed_reason) == (B, False, "signer_refused")
    assert dict(message.stages_ms) == {"whole_duty": 90.0, "consensus": 40.0}
    assert dict(message.legs_ms_p50) == {"signer": 2.0}


def test_nothing_decided_is_empty() -> None:
    record = DutyRecord(CLOCK, frozenset({A}), frozenset(), {A: MissedReason.NO_PROPOSAL})
    assert record_message(OperatorId(1), COMMITTEE, record).decided == b""


def test_a_clock_that_went_back_counts_as_no_time() -> None:
    legs = LegTimes()
    legs.add(Leg.BUS, Instant(5.0), Instant(4.0))
    legs.add(Leg.BUS, Instant(5.0), Instant(5.5))
    assert legs.times_ms == {Leg.BUS: [0.0, 500.0]}
    assert medians_ms({}) == {}
