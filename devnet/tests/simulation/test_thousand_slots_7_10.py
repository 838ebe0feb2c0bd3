"""The committees of middle size of the thousand slots."""

from __future__ import annotations

import pytest
from devnet.tests.simulation.thousand import hold_out


@pytest.mark.parametrize("size", [7, 10])
def test_every_duty_survives_f_traitors_and_bad_weather(size: int, first_seed: int) -> None:
    hold_out(size, first_seed)
