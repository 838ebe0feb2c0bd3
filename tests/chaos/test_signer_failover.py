"""The test of a signer that dies or hangs beside another, short: `python -m tests.chaos.signer_failover` is longer."""

from __future__ import annotations

from tests.chaos import signer_failover

KILLS, STOPS = 4, 2


def test_whatever_befalls_one_signer_the_other_answers_and_nothing_is_signed_twice_differently() -> None:
    outcome = signer_failover.trial(KILLS, STOPS)
    told = signer_failover.table(outcome, 0)
    assert signer_failover.good(outcome), told
    assert (outcome.kills, outcome.stops) == ({"a": 2, "b": 2}, {"a": 1, "b": 1})
    assert outcome.met == KILLS + STOPS, told
    assert len(outcome.left) >= KILLS - 1, "each but perhaps the first was the one in use"
