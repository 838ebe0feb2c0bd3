"""The tests that the documentation names as proof are there, and are run by `make test` or `make e2e`."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CITED = re.compile(r"`([\w./-]+\.py)::(\w+)`")
PAGES = sorted((ROOT / "docs").rglob("*.md"))


def cited(page: Path) -> list[tuple[str, str]]:
    return sorted(set(CITED.findall(page.read_text())))


def run_folders() -> list[str]:
    """What the Makefile hands to pytest."""
    lines = [line for line in (ROOT / "Makefile").read_text().splitlines() if "-m pytest" in line]
    return [word for line in lines for word in line.split() if (ROOT / word).is_dir()]


def names_in(path: Path) -> set[str]:
    """Names that pytest collects from a file: functions, and classes that are tests (of a state machine too)."""
    found = set()
    for node in ast.parse(path.read_text()).body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.Assign(targets=[ast.Name(id=name)]):
                found.add(name)
    return {name for name in found if name.lower().startswith("test")}


@pytest.mark.parametrize("page", [page for page in PAGES if cited(page)], ids=lambda page: page.name)
def test_what_is_cited_is_there(page: Path) -> None:
    missing = [
        f"{path}::{name}"
        for path, name in cited(page)
        if not (ROOT / path).exists() or name not in names_in(ROOT / path)
    ]
    assert missing == []


@pytest.mark.parametrize("page", [page for page in PAGES if cited(page)], ids=lambda page: page.name)
def test_what_is_cited_is_run(page: Path) -> None:
    folders = run_folders()
    idle = {path for path, _ in cited(page) if not any(path.startswith(f"{folder}/") for folder in folders)}
    assert idle == set()
    assert all(Path(path).name.startswith("test_") for path, _ in cited(page))


def test_the_threat_model_is_read() -> None:
    """A page that was moved or whose citations are written differently would pass all of the above."""
    assert len(cited(ROOT / "docs" / "security.md")) > 50
    assert "docs/security.md" in (ROOT / "README.md").read_text()
