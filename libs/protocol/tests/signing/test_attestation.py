from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from libs.protocol.tests.signing.world import root_of

from ssv_protocol.signing import attestation
from ssv_protocol.signing.records import AttestationRecord
from ssv_protocol.signing.verdict import Approved, DenialReason, Denied
from ssv_protocol.types.ids import Epoch, Root

A, B = root_of(b"a"), root_of(b"b")
NOW = Epoch(20)


def record(source: int, target: int, root: Root | None = A) -> AttestationRecord:
    return AttestationRecord(Epoch(source), Epoch(target), root)


# name, record, source, target, root, expected: the new record or the reason
CASES: list[tuple[str, AttestationRecord | None, int, int, Root, AttestationRecord | DenialReason]] = [
    ("NoRecord", None, 4, 5, A, DenialReason.NO_RECORD),
    ("First", record(3, 4, None), 4, 5, A, record(4, 5, A)),
    ("EqualEpochs", record(3, 4), 5, 5, B, DenialReason.SOURCE_NOT_BEFORE_TARGET),
    ("SourceAfterTarget", record(3, 4), 6, 5, B, DenialReason.SOURCE_NOT_BEFORE_TARGET),
    ("GenesisAttestation", record(0, 0, None), 0, 0, A, DenialReason.SOURCE_NOT_BEFORE_TARGET),
    ("FirstAfterGenesis", record(0, 0, None), 0, 1, A, record(0, 1, A)),
    ("SameAsStored", record(3, 5), 3, 5, A, record(3, 5)),
    ("SameAsStoredUnderRaisedSource", record(4, 5), 3, 5, A, record(4, 5)),
    ("SameTargetAsStored", record(3, 5), 3, 5, B, DenialReason.DOUBLE_VOTE),
    ("SameTargetAsStoredHigherSource", record(3, 5), 4, 5, B, DenialReason.DOUBLE_VOTE),
    ("SameTargetAsWatermark", record(3, 5, None), 3, 5, A, DenialReason.DOUBLE_VOTE),
    ("EarlierTargetThanStored", record(3, 5), 3, 4, B, DenialReason.TARGET_BELOW_RECORD),
    ("EarlierTargetSameRoot", record(3, 5), 3, 4, A, DenialReason.TARGET_BELOW_RECORD),
    ("EarlierSourceThanStored", record(3, 5), 2, 6, B, DenialReason.SURROUND),
    ("Surrounding", record(4, 5), 3, 6, B, DenialReason.SURROUND),
    ("Surrounded", record(3, 7), 4, 6, B, DenialReason.TARGET_BELOW_RECORD),
    ("SameSourceAsStored", record(3, 5), 3, 6, B, record(3, 6, B)),
    ("LaterBoth", record(3, 5), 5, 6, B, record(5, 6, B)),
    ("GapInTargets", record(3, 5), 5, 19, B, record(5, 19, B)),
    ("NextEpoch", record(3, 5), 20, 21, B, record(20, 21, B)),
    ("FarFuture", record(3, 5), 20, 22, B, DenialReason.FAR_FUTURE),
    ("VeryFarFuture", record(3, 5), 20, 2**64 - 1, B, DenialReason.FAR_FUTURE),
    ("RecordAheadOfClock", record(3, 30), 3, 30, A, record(3, 30)),
]


@pytest.mark.parametrize(
    ("before", "source", "target", "root", "expected"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_named_cases(
    before: AttestationRecord | None,
    source: int,
    target: int,
    root: Root,
    expected: AttestationRecord | DenialReason,
) -> None:
    verdict = attestation.check(before, Epoch(source), Epoch(target), root, NOW)
    if isinstance(expected, DenialReason):
        assert isinstance(verdict, Denied)
        assert verdict.reason == expected
    else:
        assert verdict == Approved(expected)


@pytest.mark.parametrize(
    ("before", "epoch", "after"),
    [
        (None, 0, record(0, 0, None)),
        (None, 1, record(0, 1, None)),
        (None, 9, record(8, 9, None)),
        (record(3, 5), 9, record(8, 9, None)),
        (record(3, 9), 9, record(8, 9, A)),
        (record(8, 12), 9, record(8, 12, A)),
        (record(11, 12), 9, record(11, 12, A)),
    ],
)
def test_raised(before: AttestationRecord | None, epoch: int, after: AttestationRecord) -> None:
    assert attestation.raised(before, Epoch(epoch)) == after


# properties: whatever is asked, in whatever order, what was signed is not slashable


@dataclass(frozen=True)
class Data:
    source: int
    target: int
    block: int

    @property
    def root(self) -> Root:
        return root_of(repr(self).encode())


def slashable(first: Data, second: Data) -> bool:
    """The consensus specification's predicate (phase0, is_slashable_attestation_data), both ways round."""
    double = first != second and first.target == second.target
    return double or any(
        one.source < two.source and two.target < one.target for one, two in ((first, second), (second, first))
    )


epochs = st.integers(0, 9)
requests = st.builds(Data, epochs, epochs, st.integers(0, 1))
actions = st.lists(st.one_of(requests, epochs.map(Epoch)), max_size=40)


def ask(before: AttestationRecord | None, data: Data) -> Approved[AttestationRecord] | Denied:
    return attestation.check(before, Epoch(data.source), Epoch(data.target), data.root, Epoch(8))


@given(actions)
def test_the_signed_set_is_never_slashable(todo: list[Data | Epoch]) -> None:
    current, signed = None, set[Data]()
    for action in todo:
        if isinstance(action, Data):
            verdict = ask(current, action)
            if isinstance(verdict, Approved):
                current = verdict.record
                signed.add(action)
        else:
            current = attestation.raised(current, Epoch(action))
    assert not any(slashable(one, two) for one, two in combinations(signed, 2))
    assert all(data.source < data.target for data in signed)


@given(actions, requests, st.lists(requests, max_size=5))
def test_the_last_attestation_may_always_be_signed_again(
    todo: list[Data | Epoch], last: Data, denied_between: list[Data]
) -> None:
    current: AttestationRecord | None = attestation.raised(None, Epoch(0))
    for action in [*todo, last]:
        verdict = ask(current, action) if isinstance(action, Data) else None
        if isinstance(verdict, Approved):
            current = verdict.record
            assert ask(current, action) == Approved(current)  # type: ignore[arg-type]
            for other in denied_between:
                if isinstance(ask(current, other), Denied):
                    assert ask(current, action) == Approved(current)  # type: ignore[arg-type]


@given(actions)
def test_records_never_fall(todo: list[Data | Epoch]) -> None:
    current: AttestationRecord = attestation.raised(None, Epoch(0))
    for action in todo:
        before = current
        if isinstance(action, Data):
            verdict = ask(current, action)
            current = verdict.record if isinstance(verdict, Approved) else current
        else:
            current = attestation.raised(current, Epoch(action))
        assert current.source >= before.source
        assert current.target >= before.target


@given(st.lists(st.integers(1, 3), min_size=1, max_size=10))
def test_honest_attesting_is_never_denied(steps: list[int]) -> None:
    current, epoch = attestation.raised(None, Epoch(0)), 0
    for step in steps:
        source, epoch = epoch, epoch + step
        verdict = attestation.check(current, Epoch(source), Epoch(epoch), A, Epoch(epoch))
        assert isinstance(verdict, Approved)
        current = verdict.record
