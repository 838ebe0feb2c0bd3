import pytest
from libs.protocol.tests.signing.world import CHAIN, CLOCK, SLOTS_PER_EPOCH

from ssv_protocol.signing import window
from ssv_protocol.signing.verdict import DenialReason
from ssv_protocol.types.ids import Slot


@pytest.mark.parametrize(
    ("slot", "reason"),
    [
        (CLOCK, None),
        (CLOCK - 34, None),
        (CLOCK - 35, DenialReason.TOO_OLD),
        (CLOCK + SLOTS_PER_EPOCH, None),
        (CLOCK + SLOTS_PER_EPOCH + 1, DenialReason.FAR_FUTURE),
        (2**64 - 1, DenialReason.FAR_FUTURE),
    ],
)
def test_window(slot: int, reason: DenialReason | None) -> None:
    denied = window.check(CHAIN, Slot(slot), CLOCK)
    assert (denied.reason if denied else None) == reason


def test_exempt_messages_may_be_old_but_not_far_ahead() -> None:
    assert window.check(CHAIN, Slot(0), CLOCK, may_be_old=True) is None
    ahead = window.check(CHAIN, Slot(CLOCK + SLOTS_PER_EPOCH + 1), CLOCK, may_be_old=True)
    assert ahead is not None
    assert ahead.reason == DenialReason.FAR_FUTURE


def test_what_may_be_pruned_is_refused() -> None:
    oldest = window.oldest(CLOCK)
    assert window.check(CHAIN, oldest, CLOCK) is None
    assert window.check(CHAIN, Slot(oldest - 1), CLOCK) is not None


def test_the_window_begins_at_genesis() -> None:
    assert window.oldest(Slot(3)) == 0
