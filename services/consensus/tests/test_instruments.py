"""What a worker tells of its duties: metrics by role, and a log in which a miss stands out."""

from __future__ import annotations

import asyncio
import io

from libs.protocol.tests.signing.world import CLOCK, NETWORK, Decision, message_id, vote_for
from services.consensus.tests.test_duty_book import key

from ssv_consensus.duty_record import DutyRecord, Outcome
from ssv_consensus.instruments import Instruments
from ssv_consensus.stages import Stage
from ssv_protocol.effects import Report
from ssv_protocol.errors import Reason
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.types.ids import OperatorId, Round, ValidatorIndex
from ssv_protocol.types.message_id import validator_message_id
from ssv_protocol.types.roles import BeaconRole, RunnerRole
from ssv_runtime.health import Health
from ssv_runtime.logs import make_logger
from ssv_runtime.metrics import Metrics

ONE, TWO = ValidatorIndex(1), ValidatorIndex(2)
PROPOSAL = validator_message_id(NETWORK.domain_at(CLOCK), RunnerRole.PROPOSER, key(1))


class Told:
    def __init__(self) -> None:
        self.output = io.StringIO()
        self.metrics = Metrics("consensus")
        log = make_logger("consensus", file=self.output)
        self.instruments = Instruments(log, self.metrics, Health(log, self.metrics, asyncio.Event()))

    def sample(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"ssv_consensus_{name}", labels)

    @property
    def text(self) -> str:
        return self.output.getvalue()


def test_a_committees_duty_counts_its_attestations_apart_from_its_sync_messages() -> None:
    told = Told()
    outcomes = (
        Outcome(BeaconRole.ATTESTER, ONE),
        Outcome(BeaconRole.ATTESTER, TWO, MissedReason.WAITING),
        Outcome(BeaconRole.SYNC_COMMITTEE, ONE),
    )
    decided = Decision(vote_for(CLOCK).encode()).signed()
    stages = {Stage.START: 500.0, Stage.FETCH: 100.0}
    told.instruments.duty_done(DutyRecord(message_id(), CLOCK, outcomes, Round(1), decided, stages))
    assert told.sample("outcomes_total", duty="attester", outcome="submitted") == 1
    assert told.sample("outcomes_total", duty="attester", outcome="waiting") == 1
    assert told.sample("outcomes_total", duty="sync_committee", outcome="submitted") == 1
    assert told.sample("duties_total", role="committee", decided="yes") == 1
    assert told.sample("stage_seconds_sum", role="committee", stage="whole_duty") == 0.5
    assert told.sample("stage_seconds_sum", role="committee", stage="fetch") == 0.1
    assert told.sample("last_decided_slot") == CLOCK
    assert "duty missed" in told.text
    assert MissedReason.WAITING.explanation in told.text


def test_a_duty_is_named_by_its_validator() -> None:
    told = Told()
    told.instruments.duty_done(DutyRecord(PROPOSAL, CLOCK, (Outcome(BeaconRole.PROPOSER, ONE),)))
    assert "duty done" in told.text
    assert f"proposer-{CLOCK}-{key(1).hex()[:8]}" in told.text


def test_who_was_not_selected_is_no_news() -> None:
    told = Told()
    told.instruments.duty_done(DutyRecord(message_id(RunnerRole.AGGREGATOR_COMMITTEE), CLOCK, ()))
    assert told.text == ""
    assert told.sample("duties_total", role="aggregator_committee", decided="no") == 1


def test_who_sends_bad_share_signatures_is_named() -> None:
    told = Told()
    bad = frozenset(map(OperatorId, (3, 4)))
    told.instruments.reported(PROPOSAL, CLOCK, Report(Reason.RECONSTRUCT_SIGNATURE, "root 00", ONE, bad))
    assert [told.sample("bad_shares_total", operator=number) for number in ("2", "3", "4")] == [None, 1, 1]
    assert "bad share signatures" in told.text
    assert "[3, 4]" in told.text


def test_what_a_beacon_node_could_not_say_is_nobodys_share() -> None:
    told = Told()
    told.instruments.reported(PROPOSAL, CLOCK, Report(Reason.FETCH_FAILED, "no head", ONE))
    assert "no head" in told.text
    assert "operators" not in told.text


def test_a_defect_is_an_error() -> None:
    told = Told()
    told.instruments.duty_failed(PROPOSAL, CLOCK, RuntimeError("a defect"))
    assert told.sample("faults_total") == 1
    assert "[error" in told.text
    assert "a defect" in told.text
