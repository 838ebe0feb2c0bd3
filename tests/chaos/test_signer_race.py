"""The test of two signers on one database, short: `make signer-race` is the long one."""

from __future__ import annotations

import pytest

from tests.chaos import signer_race
from tests.chaos.databases import STORES

CONFLICTS = 600


@pytest.mark.parametrize("store", STORES)
def test_of_two_signers_exactly_one_wins_each_conflict(store: str) -> None:
    outcome = signer_race.race(CONFLICTS, store)
    assert signer_race.good(outcome, CONFLICTS), signer_race.table(outcome, 0)
    assert outcome.kinds == {"steps": CONFLICTS * 8 // 10, "attestations": CONFLICTS // 10, "blocks": CONFLICTS // 10}
    assert outcome.shared
