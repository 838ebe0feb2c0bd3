"""Who has beaten lately. Pure: times are arguments.

Who does not hear its own beats is cut off itself: it suspects nobody else and keeps the last word on who is there. It
also says nothing before it has listened for as long as the others may be silent, so that a start takes nobody's place.

Source: architecture §6 (take-over).
"""

from __future__ import annotations

BEAT_S = 0.3
SILENT_S = 1.5
"""Without a beat for this long a member is gone."""


class Roll:
    """The beats that `own` has heard, its own among them."""

    def __init__(self, own: str) -> None:
        self._own = own
        self._beats: dict[str, float] = {}
        self._hears_since: float | None = None
        self._last: frozenset[str] | None = None

    def heard(self, member: str, at: float) -> None:
        """Note a beat."""
        if member == self._own and self._is_silent(self._own, at):
            self._hears_since = at
        self._beats[member] = at

    def members(self, at: float) -> frozenset[str] | None:
        """Return who is there, oneself included; None while that is not known yet."""
        hears = self._hears_since is not None and not self._is_silent(self._own, at)
        if hears and at - (self._hears_since or at) >= SILENT_S:
            self._beats = {member: beat for member, beat in self._beats.items() if at - beat < SILENT_S}
            self._last = frozenset(self._beats)
        return self._last

    def _is_silent(self, member: str, at: float) -> bool:
        return at - self._beats.get(member, float("-inf")) >= SILENT_S
