"""Settings of every test in the repository."""

import os
import secrets

import pytest
from hypothesis import settings

# machines differ and are shared: no test asserts on timing
settings.register_profile("ssv", deadline=None)
settings.load_profile("ssv")

# a random seed is chosen here, before the processes that share the tests begin, so that all of them have the same
if os.environ.get("SSV_SIM_SEED") == "random":
    os.environ["SSV_SIM_SEED"] = str(secrets.randbelow(1_000_000))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how to have the simulations again."""
    seeds = os.environ.get("SSV_SIM_SEED", "1, 2")
    terminalreporter.write_line(
        f"simulation seeds: {seeds} (SSV_SIM_SEED=<seed> replays one, SSV_SIM_SEED=random tries)"
    )
