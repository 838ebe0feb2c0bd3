"""Checks of parameters, each naming what is wrong."""

from __future__ import annotations

import math

from ssv_gossipsub.errors import ParameterError


def require(holds: bool, name: str, rule: str) -> None:
    """Raise ParameterError unless the rule holds."""
    if not holds:
        raise ParameterError(f"{name} {rule}")


def finite(name: str, value: float) -> None:
    """Refuse infinity and what is not a number."""
    require(math.isfinite(value), name, "must be finite")


def at_least(name: str, value: float, least: float) -> None:
    """Refuse what is not finite or below."""
    finite(name, value)
    require(value >= least, name, f"must be at least {least:g}")


def positive(name: str, value: float) -> None:
    """Refuse what is not finite, zero or below."""
    finite(name, value)
    require(value > 0, name, "must be positive")


def decay_factor(name: str, value: float) -> None:
    """Refuse what is not between 0 and 1, the bounds excluded."""
    finite(name, value)
    require(0 < value < 1, name, "must be between 0 and 1")
