"""What a run ends with: tables of what landed, who took part, how long it took and what it cost."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ssv_devnet.demo.duty_kind import DutyKind
from ssv_devnet.demo.missed import MissedDuty
from ssv_devnet.demo.report import DutyCount, Report
from ssv_devnet.demo.scoreboard import STAGES, Percentiles
from ssv_devnet.demo.table import EpochRow, epoch_table, plain_table

_GOOD_SHARE = 0.95
_HEADINGS = {"pre_consensus": "pre-cons.", "partial_signatures": "partials", "whole_duty": "whole duty"}
_NAMES = {
    DutyKind.VALIDATOR_REGISTRATION: "registration",
    DutyKind.SYNC_COMMITTEE_MESSAGE: "sync message",
    DutyKind.VOLUNTARY_EXIT: "exit",
}
_WORDS = frozenset({"duty", "process", "service", "why", "leg", "form", "signer", "what"})
_FOOTNOTE = (
    "due, on chain: by the beacon node; done: by the operators' records. * No block tells who aggregated or who is\n"
    "registered: what the beacon node (aggregates, contributions) or the builder (registrations) found valid. Their\n"
    "dues follow from the validators' keys and slots."
)


def final_tables(report: Report, epochs: Iterable[EpochRow]) -> list[RenderableType]:
    """Return everything that a run ends with."""
    tables: list[RenderableType] = [epoch_table(epochs), Group(duty_table(report), Text(_FOOTNOTE, style="dim"))]
    if report.proposals:
        tables.append(proposal_table(report))
    tables += [participation_table(report), leg_table(report), footprint_table(report)]
    if report.crashes:
        tables.append(crash_table(report))
    if report.outages:
        tables.append(outage_table(report))
    if report.signer_kills:
        tables.append(signer_kill_table(report))
    return tables


def duty_table(report: Report) -> Table:
    """Return a row for each kind of duty: counts, and the p50/p99 of each stage in ms."""
    table = _table("Duties; stages p50/p99 in ms", "duty")
    for name in ("due", "done", "on chain", *(_HEADINGS.get(stage, stage.replace("_", " ")) for stage in STAGES)):
        table.add_column(name, justify="right", no_wrap=True)
    for kind, count in report.duties.items():
        stages = report.stages_ms.get(kind, {})
        figures = (_figures(stages.get(stage)) for stage in STAGES)
        table.add_row(_NAMES.get(kind, kind.value), str(count.due), str(count.done), _on_chain(count), *figures)
    return table


def proposal_table(report: Report) -> Table:
    """Return a row for each due proposal."""
    table = _table("Proposals", "slot", "validator", "operator's block", "form")
    for each in report.proposals:
        operator = "" if each.operator_id is None else str(each.operator_id)
        form = ("blinded" if each.blinded else "full") if each.on_chain else Text("missed", style="red")
        table.add_row(str(each.slot), str(each.validator_index), operator, form)
    return table


def participation_table(report: Report) -> Table:
    """Return the table of who took part."""
    table = _table("Participation", "operator", "share", "")
    for operator_id, share in report.participation.items():
        remark = "" if operator_id in report.living else "down"
        style = "green" if share >= _GOOD_SHARE else "red"
        table.add_row(str(operator_id), Text(f"{share:.1%}", style=style), remark)
    return table


def leg_table(report: Report) -> Table:
    """Return how long messages are under way."""
    table = _table("Legs, ms", "leg", "p50", "p99")
    for leg, figures in report.legs_ms.items():
        table.add_row(leg.replace("_", " "), f"{figures['p50']:.1f}", f"{figures['p99']:.1f}")
    return table


def footprint_table(report: Report) -> Table:
    """Return the table of what each process costs."""
    table = _table("Processes", "operator", "process", "ready, s", "MB")
    for each in report.footprints:
        ready = "" if each.ready_s is None else f"{each.ready_s:.1f}"
        memory = "" if each.rss_mb is None else f"{each.rss_mb:.0f}"
        table.add_row(str(each.operator_id), each.process, ready, memory)
    return table


def crash_table(report: Report) -> Table:
    """Return the table of crashes and what each cost."""
    table = _table("Services killed with -9", "epoch", "slot", "service", "ready again, s", "duties lost", "why")
    for crash in report.crashes:
        lost = crash.lost(report.missed)
        ready = "never" if crash.ready_again_s is None else f"{crash.ready_again_s:.1f}"
        table.add_row(str(crash.epoch), str(crash.slot), crash.service, ready, str(len(lost)), _why(lost))
    return table


def outage_table(report: Report) -> Table:
    """Return the table of beacon nodes and EVM endpoints that were away, and what was lost meanwhile."""
    table = _table("Nodes taken away", "what", "from slot", "to slot", "s", "duties lost", "why", "told by operators")
    for outage in report.outages:
        lost = outage.lost(report.missed)
        over = "never" if outage.over is None else str(outage.over)
        told = "" if outage.named_by is None else ", ".join(map(str, outage.named_by))
        table.add_row(outage.what, str(outage.begun), over, f"{outage.away_s:.1f}", str(len(lost)), _why(lost), told)
    return table


def signer_kill_table(report: Report) -> Table:
    """Return the table of signers that were killed."""
    table = _table("Signers killed with -9", "slot", "signer", "ms into the slot", "messages signed", "ready again, s")
    for kill in report.signer_kills:
        ready = "never" if kill.ready_again_s is None else f"{kill.ready_again_s:.1f}"
        table.add_row(str(kill.slot), kill.signer, str(kill.at_ms), str(kill.after_messages), ready)
    return table


def _table(title: str, *columns: str) -> Table:
    table = plain_table(title)
    for name in columns:
        table.add_column(name, justify="left" if name in _WORDS else "right")
    return table


def _why(lost: Iterable[MissedDuty]) -> str:
    return ", ".join(sorted({f"{duty.kind.replace('_', ' ')}: {duty.reason.value}" for duty in lost}))


def _on_chain(count: DutyCount) -> str:
    return f"{count.landed}*" if count.on_chain is None else str(count.on_chain)


def _figures(percentiles: Percentiles | None) -> str:
    return "" if percentiles is None else f"{percentiles['p50']:.0f}/{percentiles['p99']:.0f}"
