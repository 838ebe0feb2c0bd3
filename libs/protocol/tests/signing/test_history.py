from __future__ import annotations

import pytest
from libs.protocol.tests.signing.world import root_of

from ssv_protocol.signing.history import RememberedAttestation, RememberedBlock, known_attestations, known_blocks
from ssv_protocol.signing.interchange import SignedAttestation, SignedBlock
from ssv_protocol.types.ids import Epoch, Root, Slot

A, B = root_of(b"a"), root_of(b"b")
Vote = tuple[int, int, Root | None]


def signed(source: int, target: int, root: Root | None = A) -> SignedAttestation:
    return SignedAttestation(Epoch(source), Epoch(target), root)


# name, entries that are no gap, gaps, expected
CASES: list[tuple[str, list[Vote], list[Vote], list[Vote]]] = [
    ("Nothing", [], [], []),
    ("NoGap", [(1, 2, A), (0, 1, A)], [], [(0, 1, A), (1, 2, A)]),
    ("FirstIsAGap", [(1, 2, A)], [(0, 1, None)], [(0, 1, None), (1, 2, A)]),
    ("LastIsAGap", [(0, 1, A)], [(4, 5, B)], [(4, 5, B)]),
    ("LastOfTwoGaps", [(1, 2, A), (7, 8, A)], [(0, 1, None), (4, 5, B)], [(4, 5, B), (7, 8, A)]),
    # (4, 5) is left out, so what stands for it must keep (3, 7) from being signed
    ("HigherSourceBelow", [(4, 5, A), (2, 8, A)], [(1, 6, A)], [(4, 6, A), (2, 8, A)]),
    ("TwoRootsAtTheGap", [(4, 6, B)], [(4, 6, A)], [(4, 6, None)]),
    ("UnknownRootAtTheGap", [(4, 6, B)], [(4, 6, None)], [(4, 6, None)]),
    ("OneRootTwiceAtTheGap", [(3, 6, A)], [(4, 6, A)], [(4, 6, A)]),
]


@pytest.mark.parametrize(("whole", "gaps", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_attestations(whole: list[Vote], gaps: list[Vote], expected: list[Vote]) -> None:
    remembered = [RememberedAttestation(signed(*each), False) for each in whole]
    remembered += [RememberedAttestation(signed(*each), True) for each in gaps]
    assert known_attestations(remembered) == tuple(signed(*each) for each in expected)


def test_blocks() -> None:
    entries = [(5, A, False), (3, A, True), (4, B, False), (1, A, True), (2, A, False)]
    remembered = [RememberedBlock(SignedBlock(Slot(slot), root), gap) for slot, root, gap in entries]
    expected = tuple(SignedBlock(Slot(slot), root) for slot, root in ((3, A), (4, B), (5, A)))
    assert known_blocks(remembered) == expected
    assert known_blocks(remembered[2:3]) == (SignedBlock(Slot(4), B),)
    twice = [*remembered, RememberedBlock(SignedBlock(Slot(3), B), False)]
    assert known_blocks(twice)[0] == SignedBlock(Slot(3))
