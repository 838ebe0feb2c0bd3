"""The test of kills, short: `make signer-kill` is the long one."""

from __future__ import annotations

import pytest

from tests.chaos import signer_kill
from tests.chaos.databases import STORES

pytestmark = pytest.mark.parametrize("store", STORES)


def test_every_signature_that_got_out_is_on_record(store: str) -> None:
    done = signer_kill.trial(kills=10, sabotage=False, seed=1, store=store)
    assert signer_kill.good(done), signer_kill.table(done, 0)


def test_a_build_that_records_after_signing_is_found_out(store: str) -> None:
    done = signer_kill.trial(kills=60, sabotage=True, seed=2, store=store)
    assert done.report.violations
