"""The seeds of the simulations: a fixed one and one that is fresh in every run. SSV_SIM_SEED replays a single one."""

from __future__ import annotations

import os
import secrets

import pytest

_REPLAYED = os.environ.get("SSV_SIM_SEED")
SEEDS = [int(_REPLAYED)] if _REPLAYED else [1, secrets.randbelow(1_000_000)]


@pytest.fixture(params=SEEDS, ids=lambda seed: f"seed{seed}")
def seed(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(params=SEEDS[-1:], ids=lambda seed: f"seed{seed}")
def one_seed(request: pytest.FixtureRequest) -> int:
    return int(request.param)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_line(f"simulation seeds: {', '.join(map(str, SEEDS))} (replay with SSV_SIM_SEED=<seed>)")
