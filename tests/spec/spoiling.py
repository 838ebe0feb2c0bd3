"""Vectors with one thing made wrong, to see that their runner finds it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

from tests.spec.case import Case, Runner, Version
from tests.spec.run import outcome
from tests.spec.vectors import cases

Spoil = Callable[[Any], None]


@dataclass(frozen=True)
class SpoiledState(Case):
    """A case whose expected state is changed on its way to the runner."""

    spoil: Spoil = field(default=lambda tree: None)

    def state(self, name: str) -> Any:
        tree = super().state(name)
        self.spoil(tree)
        return tree


def case_of(suite: str, type_name: str, name: str, version: Version = "boole") -> Case:
    """Return one file."""
    return next(c for c in cases(suite, version) if c.type_name == type_name and c.name == name)


def spoiled(case: Case, spoil: Spoil) -> Case:
    """Return the case with a changed file."""
    tree = deepcopy(case.json)
    spoil(tree)
    return replace(case, json=tree)


def with_spoiled_state(case: Case, spoil: Spoil) -> Case:
    """Return the case with a changed expected state."""
    return SpoiledState(case.suite, case.version, case.type_name, case.name, case.json, case.state_folder, spoil)


def assert_differs(case: Case, runners: Mapping[str, Runner]) -> None:
    """The runner finds a difference, rather than to stumble over the file."""
    problem = outcome(case, runners)
    assert problem is not None
    assert problem.startswith("AssertionError: ")


def put(*path: Any) -> Spoil:
    """Return a change that puts the last of `path` where the others lead."""
    *way, key, value = path

    def spoil(tree: Any) -> None:
        for step in way:
            tree = tree[step]
        before = deepcopy(tree)
        tree[key] = value
        assert tree != before

    return spoil


def drop_last(*path: Any) -> Spoil:
    """Return a change that takes the last item from the list to which `path` leads."""

    def spoil(tree: Any) -> None:
        for step in path:
            tree = tree[step]
        tree.pop()

    return spoil
