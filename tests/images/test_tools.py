"""Finding a builder, what the check finds wrong, and links that are followed into an image's root."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scripts.images.root import copy_file
from scripts.images.tool import ToolError, find_tool, run

from tests.images.__main__ import wrong_answers, wrong_with

GOOD: dict[str, Any] = {
    "uids": ["10001"] * 4,
    "capabilities": 0,
    "no_new_privileges": True,
    "read_only": True,
    "tmp_writable": True,
    "programs": [],
}
ANSWERS: dict[str, list[Any]] = {"/livez": [200, "ok\n"], "/readyz": [503, "{}"], "/metrics": [200, "ssv_signer_up 1"]}


def program(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


def test_the_first_builder_that_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CONTAINER_TOOL", raising=False)
    with pytest.raises(ToolError, match="no builder of images was found; install one of: docker, podman, buildah"):
        find_tool()
    program(tmp_path, "docker", "echo Cannot connect >&2; exit 1")
    with pytest.raises(ToolError, match="docker does not answer: Cannot connect"):
        find_tool()
    program(tmp_path, "podman", "exit 0")
    assert find_tool() == "podman"
    monkeypatch.setenv("CONTAINER_TOOL", "buildah")
    with pytest.raises(ToolError, match="install one of: buildah"):
        find_tool()


def test_a_failing_command_says_its_last_line(tmp_path: Path) -> None:
    program(tmp_path, "fails", "echo first >&2; echo last >&2; exit 3")
    with pytest.raises(ToolError, match=r"last$"):
        run(str(tmp_path / "fails"))


def test_nothing_is_wrong_with_a_good_one() -> None:
    assert wrong_with(GOOD) == []
    assert wrong_answers(ANSWERS) == []


@pytest.mark.parametrize(
    "bad",
    [
        {"uids": ["0", "10001", "10001", "10001"]},
        {"capabilities": 1},
        {"no_new_privileges": False},
        {"read_only": False},
        {"tmp_writable": False},
        {"programs": ["sh"]},
    ],
)
def test_everything_that_is_wrong_is_found(bad: dict[str, Any]) -> None:
    assert len(wrong_with(GOOD | bad)) == 1


@pytest.mark.parametrize("path", ANSWERS)
def test_an_answer_that_does_not_come_is_found(path: str) -> None:
    assert len(wrong_answers({**ANSWERS, path: [0, "refused"]})) == 1
    assert len(wrong_answers({**ANSWERS, path: [500, "ssv_"]})) == 1


def test_a_link_is_followed_to_where_the_file_lies(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "library.so.1.2").write_text("content")
    (tmp_path / "real" / "library.so.1").symlink_to("library.so.1.2")
    (tmp_path / "seen").symlink_to("real")
    root = tmp_path / "root"
    assert copy_file(root, tmp_path / "seen" / "library.so.1") == tmp_path / "real" / "library.so.1.2"
    inside = root / tmp_path.relative_to("/") / "real"
    assert (inside / "library.so.1").readlink() == Path("library.so.1.2")
    assert (inside / "library.so.1").read_text() == "content"
