"""The smallest and the largest committees of the thousand slots; the others are beside, to run at the same time."""

from __future__ import annotations

import pytest
from devnet.tests.simulation.thousand import hold_out


@pytest.mark.parametrize("size", [4, 13])
def test_every_duty_survives_f_traitors_and_bad_weather(size: int, first_seed: int) -> None:
    hold_out(size, first_seed)
