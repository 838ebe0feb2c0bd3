from base64 import b64encode
from pathlib import Path

import pytest

from ssv_devnet.demo.secrecy import forms_of, leaks, lines_of

SECRET = bytes(range(1, 33))


@pytest.mark.parametrize(
    "text",
    [
        f"key={SECRET.hex()}",
        f"key=0x{SECRET.hex().upper()}",
        f"key {b64encode(SECRET).decode()}",
        f"SecretKey({int.from_bytes(SECRET, 'big')})",
        f"got {SECRET!r}",
    ],
)
def test_a_secret_is_found_in_each_form(tmp_path: Path, text: str) -> None:
    (tmp_path / "operator-1" / "log").mkdir(parents=True)
    log = tmp_path / "operator-1" / "log" / "signer.log"
    log.write_text(f"2026 info something\n2026 error {text}\n")
    assert [(leak.secret, leak.file) for leak in leaks(tmp_path, {"share": forms_of(SECRET)})] == [("share", log)]


def test_a_clean_log_has_none(tmp_path: Path) -> None:
    (tmp_path / "signer.log").write_text("SecretKey(***) signed slot 7\n")
    assert leaks(tmp_path, {"share": forms_of(SECRET), "password": lines_of("correct horse battery")}) == []


def test_the_lines_of_a_key_file_are_looked_for_without_its_frame() -> None:
    pem = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7Tf\nabc=\n-----END RSA PRIVATE KEY-----\n"
    assert lines_of(pem) == {"MIIEpAIBAAKCAQEA7Tf"}


def test_key_files_themselves_are_not_logs(tmp_path: Path) -> None:
    (tmp_path / "operator.pem").write_text("MIIEpAIBAAKCAQEA7Tf\n")
    assert leaks(tmp_path, {"key": {"MIIEpAIBAAKCAQEA7Tf"}}) == []
