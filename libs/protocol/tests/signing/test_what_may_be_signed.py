"""Everything that a share may sign is on one list or the other, and every reason to refuse is asked for by a test."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import get_args

import pytest

from ssv_protocol.drafts import Exit, RandaoReveal, Registration, SlotSelection, SyncSelection
from ssv_protocol.signing import slashable
from ssv_protocol.signing.objects import (
    AggregateObject,
    AttestationObject,
    BlockObject,
    ContributionObject,
    Signable,
    SyncMessageObject,
)
from ssv_protocol.signing.verdict import DenialReason

SLASHABLE = {AttestationObject, BlockObject}
HARMLESS = {
    RandaoReveal: "one for each epoch",
    SlotSelection: "one for each slot",
    SyncSelection: "one for each slot and subcommittee",
    Registration: "the builder takes the latest",
    Exit: "one for each epoch; wanted by the owner and by 2f + 1 operators",
    SyncMessageObject: "contradicting ones cost a reward",
    AggregateObject: "contradicting ones are ignored",
    ContributionObject: "contradicting ones are ignored",
}
OF_THE_STORE = DenialReason.UNKNOWN_COMMITTEE
"""Only who keeps the shares can tell; the signer's tests ask for it."""
TESTS = Path(__file__).parent


def test_every_object_is_on_a_list() -> None:
    """A new one is refused a signature by no rule until somebody has thought about it here."""
    assert set(get_args(Signable)) == SLASHABLE | HARMLESS.keys()


def test_what_is_slashable_has_a_rule() -> None:
    """The match statement of `SlashingRecords.judge` names all that are, and no more."""
    tree = ast.parse(Path(slashable.__file__).read_text())
    classes = {
        node.cls.id for node in ast.walk(tree) if isinstance(node, ast.MatchClass) and isinstance(node.cls, ast.Name)
    }
    assert classes == {each.__name__ for each in SLASHABLE}


@pytest.mark.parametrize("reason", [each for each in DenialReason if each is not OF_THE_STORE])
def test_every_reason_is_asked_for(reason: DenialReason) -> None:
    texts = [path.read_text() for path in TESTS.glob("test_*.py") if path.name != Path(__file__).name]
    assert any(f"DenialReason.{reason.name}" in text for text in texts)


@pytest.mark.parametrize(
    ("file", "names"),
    [
        (
            "test_attestation.py",
            {
                *("First", "EqualEpochs", "SourceAfterTarget", "SameTargetAsStored", "EarlierTargetThanStored"),
                *("EarlierSourceThanStored", "Surrounding", "Surrounded", "SameAsStored", "FarFuture", "NoRecord"),
            },
        ),
        ("test_block.py", {"First", "SameAsStored", "SameSlotAsStored", "EarlierSlotThanStored", "LaterSlot"}),
    ],
)
def test_the_least_set_of_cases(file: str, names: set[str]) -> None:
    """Names that other signers' tables have too, so that the tables can be compared."""
    constants = {
        node.value for node in ast.walk(ast.parse((TESTS / file).read_text())) if isinstance(node, ast.Constant)
    }
    assert names <= constants
