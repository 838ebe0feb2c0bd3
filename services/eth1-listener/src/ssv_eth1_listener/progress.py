"""How far the history is read, now and then, in words."""

from __future__ import annotations

TELL_EVERY_S = 10.0


class Progress:
    """Counts from the first block on that it is told; `now_s` is any clock that only goes forward."""

    def __init__(self, from_block: int, now_s: float) -> None:
        self._from_block = from_block
        self._begun_s = now_s
        self._told_s = now_s

    def at(self, block: int, target: int, now_s: float) -> str | None:
        """Return what to tell of being at `block` on the way to `target`; None when something was told just now."""
        if now_s - self._told_s < TELL_EVERY_S:
            return None
        self._told_s = now_s
        done, whole = block - self._from_block + 1, max(1, target - self._from_block + 1)
        per_s = done / (now_s - self._begun_s)
        left_s = (target - block) / per_s if per_s > 0 else 0.0
        return f"block {block} of {target} ({done / whole:.0%}), {per_s:.0f} blocks/s, about {_duration(left_s)} left"


def _duration(seconds: float) -> str:
    minutes, left = divmod(round(seconds), 60)
    return f"{minutes} min {left} s" if minutes else f"{left} s"
