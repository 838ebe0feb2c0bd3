"""The seeds of the simulations: a fixed one and one fresh in every run (from the root). SSV_SIM_SEED replays one."""

from __future__ import annotations

import os

import pytest

_REPLAYED = os.environ.get("SSV_SIM_SEED")
SEEDS = [int(_REPLAYED)] if _REPLAYED else [1, int(os.environ["SSV_SIM_FRESH_SEED"])]


@pytest.fixture(params=SEEDS, ids=lambda seed: f"seed{seed}")
def seed(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(params=SEEDS[-1:], ids=lambda seed: f"seed{seed}")
def one_seed(request: pytest.FixtureRequest) -> int:
    return int(request.param)
