from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from libs.protocol.tests.signing.world import CHAIN, CLOCK, SLOTS_PER_EPOCH, root_of

from ssv_protocol.signing import block, window
from ssv_protocol.signing.records import ProposalRecord
from ssv_protocol.signing.verdict import Approved, DenialReason, Denied
from ssv_protocol.types.ids import Root, Slot

A, B = root_of(b"a"), root_of(b"b")
LATEST = window.latest(CHAIN, CLOCK)


def record(slot: int, root: Root | None = A) -> ProposalRecord:
    return ProposalRecord(Slot(slot), root)


CASES: list[tuple[str, ProposalRecord | None, int, Root, ProposalRecord | DenialReason]] = [
    ("NoRecord", None, 5, A, DenialReason.NO_RECORD),
    ("GenesisSlot", record(0, None), 0, A, DenialReason.DOUBLE_PROPOSAL),
    ("First", record(4, None), 5, A, record(5, A)),
    ("SameAsStored", record(5), 5, A, record(5)),
    ("SameSlotAsStored", record(5), 5, B, DenialReason.DOUBLE_PROPOSAL),
    ("SameSlotAsWatermark", record(5, None), 5, A, DenialReason.DOUBLE_PROPOSAL),
    ("EarlierSlotThanStored", record(5), 4, B, DenialReason.SLOT_BELOW_RECORD),
    ("EarlierSlotSameRoot", record(5), 4, A, DenialReason.SLOT_BELOW_RECORD),
    ("LaterSlot", record(5), 6, B, record(6, B)),
    ("OneEpochAhead", record(5), CLOCK + SLOTS_PER_EPOCH, B, record(CLOCK + SLOTS_PER_EPOCH, B)),
    ("FarFuture", record(5), CLOCK + SLOTS_PER_EPOCH + 1, B, DenialReason.FAR_FUTURE),
]


@pytest.mark.parametrize(
    ("before", "slot", "root", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_named_cases(
    before: ProposalRecord | None, slot: int, root: Root, expected: ProposalRecord | DenialReason
) -> None:
    verdict = block.check(before, Slot(slot), root, LATEST)
    if isinstance(expected, DenialReason):
        assert isinstance(verdict, Denied)
        assert verdict.reason == expected
    else:
        assert verdict == Approved(expected)


@pytest.mark.parametrize(
    ("before", "slot", "after"),
    [
        (None, 0, record(0, None)),
        (None, 7, record(7, None)),
        (record(5), 7, record(7, None)),
        (record(7), 7, record(7)),
        (record(9), 7, record(9)),
    ],
)
def test_raised(before: ProposalRecord | None, slot: int, after: ProposalRecord) -> None:
    assert block.raised(before, Slot(slot)) == after


blocks = st.tuples(st.integers(0, 12), st.integers(0, 2))


@given(st.lists(st.one_of(blocks, st.integers(0, 12)), max_size=40))
def test_one_block_a_slot(todo: list[tuple[int, int] | int]) -> None:
    current, signed = None, dict[int, Root]()
    for action in todo:
        if isinstance(action, int):
            current = block.raised(current, Slot(action))
            continue
        slot, root = action[0], root_of(bytes(action))
        verdict = block.check(current, Slot(slot), root, Slot(10))
        if isinstance(verdict, Approved):
            current = verdict.record
            assert signed.setdefault(slot, root) == root
            assert slot <= 10
            assert block.check(current, Slot(slot), root, Slot(10)) == Approved(current)
