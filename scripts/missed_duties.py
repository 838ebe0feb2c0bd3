"""Write docs/missed-duties.md from the one table of reasons: `python scripts/missed_duties.py`."""

from __future__ import annotations

from pathlib import Path

from ssv_protocol.runners.ledger import MissedReason

PAGE = Path(__file__).resolve().parents[1] / "docs" / "missed-duties.md"
_HEAD = """# Why a duty was missed

Every part of a duty that was not submitted, or that no block holds, has exactly one of these reasons: the first
obstacle on its way. `ssvctl duties --missed` lists them. They are counted by
`ssv_consensus_outcomes_total{duty,outcome}` and, for what blocks show later, by
`ssv_duty_scheduler_not_included_total`. Where a quorum was missing, the operators of whom nothing came are named.

This page is made by `python scripts/missed_duties.py` of `ssv_protocol.runners.ledger`.

| reason | meaning, and what to do |
|---|---|
"""


def page() -> str:
    """Return the page."""
    return _HEAD + "".join(f"| `{reason}` | {reason.explanation} |\n" for reason in MissedReason)


if __name__ == "__main__":
    PAGE.write_text(page())
