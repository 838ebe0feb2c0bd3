"""The page of reasons is what the code says."""

from __future__ import annotations

from scripts.missed_duties import PAGE, page


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "run `python scripts/missed_duties.py`"
