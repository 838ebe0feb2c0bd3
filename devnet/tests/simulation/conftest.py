"""The seeds of the simulations: two fixed ones, or that of SSV_SIM_SEED (a number, or "random")."""

from __future__ import annotations

import os

import pytest

_WANTED = os.environ.get("SSV_SIM_SEED")
SEEDS = [int(_WANTED)] if _WANTED else [1, 2]


@pytest.fixture(params=SEEDS, ids=lambda seed: f"seed{seed}")
def seed(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(params=SEEDS[-1:], ids=lambda seed: f"seed{seed}")
def one_seed(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(params=SEEDS[:1], ids=lambda seed: f"seed{seed}")
def first_seed(request: pytest.FixtureRequest) -> int:
    return int(request.param)
