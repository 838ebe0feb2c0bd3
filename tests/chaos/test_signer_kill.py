"""The test of kills, short: `make signer-kill` is the long one."""

from __future__ import annotations

from tests.chaos import signer_kill


def test_every_signature_that_got_out_is_on_record() -> None:
    done = signer_kill.trial(kills=10, sabotage=False, seed=1)
    assert signer_kill.good(done), signer_kill.table(done, 0)


def test_a_build_that_records_after_signing_is_found_out() -> None:
    done = signer_kill.trial(kills=5, sabotage=True, seed=2)
    assert done.report.kills == 5
    assert done.report.violations
