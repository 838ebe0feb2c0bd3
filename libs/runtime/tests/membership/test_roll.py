from __future__ import annotations

from ssv_runtime.membership import SILENT_S, Roll

STEP_S = 0.25


class Group:
    """Beats as the clock goes: `beating` are heard, every `STEP_S`."""

    def __init__(self) -> None:
        self.roll = Roll("own")
        self.now = 100.0
        self.beating = {"own", "other"}

    def passes(self, seconds: float) -> frozenset[str] | None:
        for _ in range(round(seconds / STEP_S)):
            self.now += STEP_S
            for member in self.beating:
                self.roll.heard(member, self.now)
            seen = self.roll.members(self.now)
        return seen


def test_nobody_is_known_before_the_others_had_time_to_beat() -> None:
    group = Group()
    assert group.passes(SILENT_S) is None
    assert group.passes(STEP_S) == frozenset({"own", "other"})


def test_who_falls_silent_is_gone_and_who_comes_back_is_there() -> None:
    group = Group()
    group.passes(2 * SILENT_S)
    group.beating = {"own"}
    assert group.passes(SILENT_S - STEP_S) == frozenset({"own", "other"})
    assert group.passes(STEP_S) == frozenset({"own"})
    group.beating = {"own", "new"}
    assert group.passes(STEP_S) == frozenset({"own", "new"})


def test_who_is_cut_off_suspects_itself() -> None:
    group = Group()
    group.passes(2 * SILENT_S)
    group.beating = set()
    assert group.passes(10 * SILENT_S) == frozenset({"own", "other"})
    group.beating = {"own"}  # back, and the others may be, too
    assert group.passes(SILENT_S) == frozenset({"own", "other"})
    assert group.passes(STEP_S) == frozenset({"own"})


def test_without_hearing_itself_it_never_knows_anybody() -> None:
    group = Group()
    group.beating = {"other"}
    assert group.passes(10 * SILENT_S) is None
