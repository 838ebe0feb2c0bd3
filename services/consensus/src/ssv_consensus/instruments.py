"""What a worker tells about itself: logs, metrics, readiness."""

from __future__ import annotations

from collections import Counter

from structlog.typing import FilteringBoundLogger

from ssv_consensus.duty_id import duty_id
from ssv_consensus.duty_record import DutyRecord
from ssv_consensus.ports import NothingSigned, Signed, SignVerdict
from ssv_consensus.record_wire import WHOLE_DUTY
from ssv_consensus.stages import Stage
from ssv_protocol.effects import Report
from ssv_protocol.errors import Reason
from ssv_protocol.signing.verdict import Denied
from ssv_protocol.types.ids import CommitteeId, MessageId, Slot
from ssv_runtime.endpoint_report import EndpointReport
from ssv_runtime.health import Health
from ssv_runtime.metrics import Metrics

REFUSED_IN_A_ROW = 3
"""Requests to publish without success after which the gateways count as down; one alone may just be slow."""


class Instruments:
    """Names of metrics and dependencies in one place."""

    def __init__(self, log: FilteringBoundLogger, metrics: Metrics, health: Health) -> None:
        self.log = log
        self._health = health
        self._refused_in_a_row = 0
        self._stages = metrics.histogram("stage_seconds", "How long each stage of a duty took", ["role", "stage"])
        self._legs = metrics.histogram("leg_seconds", "How long a message took between two services", ["leg"])
        self._duties = metrics.counter("duties", "Duties that came to their end", ["role", "decided"])
        self._outcomes = metrics.counter("outcomes", "Validators' parts of duties by outcome", ["duty", "outcome"])
        self._rounds = metrics.histogram("rounds", "Last round of a duty", ["role"], buckets=[1, 2, 3, 4, 6, 8, 12])
        self._bad_shares = metrics.counter("bad_shares", "Share signatures that do not verify", ["operator"])
        self._faults = metrics.counter("faults", "Defects of the code that a duty met")
        self._dropped = metrics.counter("dropped_messages", "Messages that no duty took", ["reason"])
        self._verdicts = metrics.counter("signer_verdicts", "What the signer said", ["verdict"])
        self._publications = metrics.counter("publications", "Requests to publish a message", ["outcome"])
        self._replayed = metrics.counter("replayed_messages", "Messages that gateways had kept")
        self._journal = metrics.counter("journal_messages", "Messages out of the signer's record")
        self.committees = metrics.gauge("committees", "Committees held")
        self.validators = metrics.gauge("validators", "Validators of these committees")
        self.last_decided_slot = metrics.gauge("last_decided_slot", "Slot of the last decision")
        self.registry = health.dependency("registry")
        self.duties = health.dependency("duties")
        self.beacon = EndpointReport(
            "beacon", log, metrics, health.dependency("beacon"), "start a beacon node or correct beacon_urls"
        )
        self._stream = health.dependency("sign stream")

    # registry
    def registry_lost(self, reason: str) -> None:
        """The watch of the registry broke; the last state holds."""
        self.registry.down(reason, "see the eth1-listener and registry_target")

    def not_registered(self) -> None:
        """The registry does not know the operator."""
        self.registry.down("this operator is not registered", "register the operator with the signer's public key")

    def committee_taken(self, committee: CommitteeId, validators: int) -> None:
        """The worker runs one more committee."""
        self.log.info("committee taken up", committee=committee, validators=validators)

    def committee_left(self, committee: CommitteeId) -> None:
        """A committee has no validators any more."""
        self.log.info("committee left", committee=committee)

    def committee_refused(self, committee: CommitteeId, problem: str) -> None:
        """A committee cannot be run as it is registered."""
        self.log.warning("committee cannot be run", committee=committee, reason=problem)

    def replayed(self, committee: CommitteeId, messages: int) -> None:
        """Kept messages were delivered."""
        self._replayed.inc(messages)
        self.log.debug("caught up", committee=committee, messages=messages)

    def went_on(self, committee: CommitteeId, messages: int) -> None:
        """The committee is held, and what was said for it before is known."""
        self._journal.inc(messages)
        self.log.debug("went on from the signer's record", committee=committee, messages=messages)

    # signer and gateways
    def stream_lost(self, reason: str) -> None:
        """The stream to the signer ended."""
        self._stream.down(reason, "see the signer and who may call it")

    def stream_good(self) -> None:
        """The stream to the signer holds."""
        self._stream.up()

    def verdict(self, verdict: SignVerdict) -> None:
        """The signer answered, or did not in time."""
        denied = isinstance(verdict, Denied | NothingSigned)
        name = "signed" if isinstance(verdict, Signed) else "denied" if denied else "failed"
        self._verdicts.labels(name).inc()

    def publication(self, problem: str | None) -> None:
        """A gateway was asked to publish."""
        self._publications.labels("taken" if problem is None else "repeated").inc()
        self._refused_in_a_row = 0 if problem is None else self._refused_in_a_row + 1
        gateway = self._health.dependency("p2p-gateway")
        if problem is None:
            gateway.up()
        elif self._refused_in_a_row >= REFUSED_IN_A_ROW:
            gateway.down(problem, "see the p2p-gateway and its peers")

    # duties
    def dropped(self, reasons: Counter[Reason]) -> None:
        """Messages were not taken."""
        for reason, count in reasons.items():
            self._dropped.labels(reason).inc(count)

    def reported(self, message_id: MessageId, slot: Slot, report: Report) -> None:
        """Something failed in a duty that went on: a fetch, or share signatures that do not verify."""
        for operator_id in report.operators:
            self._bad_shares.labels(operator_id).inc()
        self.log.warning(
            "bad share signatures" if report.operators else "a part of a duty failed",
            duty_id=duty_id(message_id, slot),
            reason=report.reason,
            detail=report.detail,
            validator=report.validator_index,
            **({"operators": sorted(report.operators)} if report.operators else {}),
        )

    def duty_failed(self, message_id: MessageId, slot: Slot, fault: Exception) -> None:
        """The code has a defect."""
        self._faults.inc()
        self.log.error("a defect in a duty", duty_id=duty_id(message_id, slot), exc_info=fault)

    def duty_done(self, record: DutyRecord) -> None:
        """A duty's time is over."""
        role = record.role.name.lower()
        self._duties.labels(role, "yes" if record.decided is not None else "no").inc()
        for each in record.outcomes:
            self._outcomes.labels(each.duty_type.name.lower(), each.missed or "submitted").inc()
        for stage, ms in record.stages_ms.items():
            self._stages.labels(role, WHOLE_DUTY if stage is Stage.START else stage).observe(ms / 1000)
        for leg, times_ms in record.legs_ms.items():
            for ms in times_ms:
                self._legs.labels(leg).observe(ms / 1000)
        if record.decided is not None:
            self.last_decided_slot.set(record.slot)
            self._rounds.labels(role).observe(record.last_round)
        self._tell(record)

    def _tell(self, record: DutyRecord) -> None:
        whole_ms = record.stages_ms.get(Stage.START)
        reasons = Counter(each.missed for each in record.outcomes if each.missed is not None)
        if not record.outcomes:
            log, event = self.log.debug, "nobody was selected"
        elif reasons:
            log, event = self.log.warning, "duty missed"
        else:
            log, event = self.log.info, "duty done"
        log(
            event,
            duty_id=duty_id(record.message_id, record.slot),
            slot=record.slot,
            round=record.last_round,
            submitted=sum(each.missed is None for each in record.outcomes),
            **({"took_ms": round(whole_ms)} if whole_ms is not None else {}),
            **(
                {
                    "missed": {str(reason): count for reason, count in reasons.items()},
                    "meaning": [reason.explanation for reason in reasons],
                    "missing_operators": sorted({number for each in record.outcomes for number in each.missing}),
                }
                if reasons
                else {}
            ),
        )
