"""What the user's files may hold."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ssv_protocol.nesting import MAX_DEPTH
from ssvctl.errors import SsvctlError
from ssvctl.files import read_json
from ssvctl.main import app


@pytest.fixture
def unlimited() -> Iterator[None]:
    """As a library may have set it: then a decoder that recurses ends the process and raises nothing."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000_000)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.usefixtures("unlimited")
@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 200_000])
@pytest.mark.parametrize(
    "arguments",
    [
        ("shares", "verify", "FILE"),
        ("slashing", "import", "FILE", "--signer", "127.0.0.1:1"),
        ("keys", "show", "FILE", "--password-file", "PASSWORD"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_deep_nesting_is_an_error_of_one_line(tmp_path: Path, arguments: tuple[str, ...], depth: int) -> None:
    file, password = tmp_path / "file.json", tmp_path / "password"
    file.write_text('{"a":' * depth + "1" + "}" * depth)
    password.write_text("correct horse")
    names = {"FILE": str(file), "PASSWORD": str(password)}
    result = CliRunner().invoke(app, [names.get(each, each) for each in arguments])
    assert result.exit_code == 1
    assert result.stderr.startswith("ssvctl: ")
    assert str(file) in result.stderr
    assert result.stderr.count("\n") == 1


def test_what_is_not_deep_is_read(tmp_path: Path) -> None:
    file = tmp_path / "file.json"
    file.write_text("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    assert read_json(file, "file")[0] is not None
    for content in ("{", "", "\\"):
        file.write_text(content)
        with pytest.raises(SsvctlError, match="is not JSON"):
            read_json(file, "file")
