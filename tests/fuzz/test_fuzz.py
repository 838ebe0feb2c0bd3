"""A short run of every target; `make fuzz` runs them long."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.fuzz import gossip, peers
from tests.fuzz.target import Target, fuzz

INPUTS = int(os.environ.get("SSV_FUZZ_INPUTS", "400"))
SECONDS = float(os.environ.get("SSV_FUZZ_SECONDS", "120"))
TARGETS: list[Target[Any]] = [*gossip.targets(), *peers.targets()]


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_nothing_but_refusals_comes_out(target: Target[Any]) -> None:
    report = fuzz(target, INPUTS, SECONDS)
    assert report.inputs
    assert len(report.outcomes) > 1  # some inputs get through, or to different refusals


def test_a_decoder_that_raises_is_found() -> None:
    def judge(data: bytes) -> str:
        if len(data) > 3 and data[2] == 0:
            raise IndexError("a defect")
        return "decoded"

    with pytest.raises(IndexError, match="a defect"):
        fuzz(Target("defective", peers.targets()[0].inputs, judge), 2_000, 60.0)
