import json
import stat
from pathlib import Path

import pytest
from cli.tests.conftest import PASSWORD
from typer.testing import CliRunner, Result

from ssv_protocol.registry.operator_key import operator_pem
from ssvctl.errors import SsvctlError
from ssvctl.main import app
from ssvctl.operator_keys import read_operator_key


def generate(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["keys", "generate", *map(str, arguments)])


def test_a_plain_key(tmp_path: Path) -> None:
    out = tmp_path / "operator.pem"
    result = generate("--out", out)
    assert result.exit_code == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    key = read_operator_key(out, None)
    assert operator_pem(result.stdout.strip().encode()) == key.public_pem()
    assert "not encrypted" in result.stderr
    assert list(tmp_path.iterdir()) == [out]


def test_an_encrypted_key(tmp_path: Path, password_file: Path) -> None:
    out = tmp_path / "operator.json"
    result = generate("--out", out, "--password-file", password_file)
    assert result.exit_code == 0
    assert result.stderr == ""
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    content = json.loads(out.read_text())
    assert content["pubkey"] == result.stdout.strip()
    assert "PRIVATE KEY" not in out.read_text()
    assert read_operator_key(out, PASSWORD).public_pem() == operator_pem(content["pubkey"].encode())


def test_the_public_key_is_shown_again_and_to_nobody_without_the_password(tmp_path: Path, password_file: Path) -> None:
    out = tmp_path / "operator.json"
    public = generate("--out", out, "--password-file", password_file).stdout
    shown = CliRunner().invoke(app, ["keys", "show", str(out), "--password-file", str(password_file)])
    assert (shown.exit_code, shown.stdout) == (0, public)
    refused = CliRunner().invoke(app, ["keys", "show", str(out)])
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.startswith(f"ssvctl: operator key {out} ")


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    out = tmp_path / "operator.pem"
    out.write_text("precious")
    result = generate("--out", out)
    assert result.exit_code == 1
    assert result.stderr == f"ssvctl: {out} exists already; choose another name or move it away\n"
    assert out.read_text() == "precious"


def test_no_key_without_its_password(tmp_path: Path) -> None:
    out = tmp_path / "operator.json"
    empty = tmp_path / "empty.txt"
    empty.write_text("\n")
    for password_file, problem in ((tmp_path / "none.txt", "No such file"), (empty, "is empty")):
        result = generate("--out", out, "--password-file", password_file)
        assert result.exit_code == 1
        assert result.stderr.count("\n") == 1
        assert problem in result.stderr
        assert not out.exists()


def test_no_folder_to_write_to(tmp_path: Path) -> None:
    result = generate("--out", tmp_path / "missing" / "operator.pem")
    assert result.exit_code == 1
    assert "does not exist" in result.stderr


def test_reading_what_is_no_operator_key(tmp_path: Path, password_file: Path) -> None:
    out = tmp_path / "operator.json"
    generate("--out", out, "--password-file", password_file)
    content = json.loads(out.read_text())
    foreign = tmp_path / "foreign.json"
    foreign.write_text(json.dumps(content | {"pubkey": "LS0t"}))
    text = tmp_path / "text.pem"
    text.write_text("no key")
    damaged = tmp_path / "damaged.json"
    damaged.write_text(json.dumps({"version": 4}))
    cases = [
        (out, "wrong words", "not opened by the password"),
        (out, None, "name its password file"),
        (foreign, PASSWORD, "another key"),
        (text, None, "no RSA private key"),
        (damaged, PASSWORD, "damaged"),
        (tmp_path / "none", None, "No such file"),
    ]
    for path, password, problem in cases:
        with pytest.raises(SsvctlError, match=problem) as caught:
            read_operator_key(path, password)
        assert str(path) in str(caught.value)
        assert "wrong words" not in str(caught.value)
