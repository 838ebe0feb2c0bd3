import ipaddress
import json
import re
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store
from typer.testing import CliRunner, Result

from ssv_runtime.names import CALLERS
from ssv_runtime.nats_permissions import PERMISSIONS
from ssvctl.main import app
from ssvctl.operator_certificates import make_certificates


def certs(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["certs", *map(str, arguments)], env={"COLUMNS": "200"})


def test_every_caller_has_a_certificate_of_the_authority(tmp_path: Path) -> None:
    out = tmp_path / "certs"
    assert certs("make", "--out", out, "--host", "signer-0.ssv").exit_code == 0
    store = Store([x509.load_pem_x509_certificate((out / "ca.pem").read_bytes())])
    for service in CALLERS:
        certificate = x509.load_pem_x509_certificate((out / f"{service}.pem").read_bytes())
        for name in (service, "signer-0.ssv", "localhost"):
            PolicyBuilder().store(store).build_server_verifier(x509.DNSName(name)).verify(certificate, [])


def test_secrets_are_private(tmp_path: Path) -> None:
    out = tmp_path / "certs"
    result = certs("make", "--out", out)
    secret = [*out.glob("*.key"), *(out / "nats").iterdir()]
    assert len(secret) == len(CALLERS) + 1 + len(PERMISSIONS) + 1
    assert {stat.S_IMODE(path.stat().st_mode) for path in secret} == {0o600}
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    passwords = {path.read_text().strip() for path in (out / "nats").glob("*.password")}
    assert len(passwords) == len(PERMISSIONS)
    assert not any(password in result.output for password in passwords)
    users = json.loads((out / "nats" / "nats.conf").read_text())["accounts"]["operator"]["users"]
    assert {user["password"] for user in users} == passwords


def test_nats_server_takes_the_configuration(tmp_path: Path) -> None:
    certs("make", "--out", tmp_path / "certs")
    command: list[str | Path] = [
        Path(sys.executable).with_name("nats-server"),
        "-t",
        "-c",
        tmp_path / "certs" / "nats" / "nats.conf",
    ]
    subprocess.run(command, check=True, capture_output=True)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    out = tmp_path / "certs"
    out.mkdir()
    (out / "ca.pem").write_text("precious")
    result = certs("make", "--out", out)
    assert result.exit_code == 1
    assert result.stderr == f"ssvctl: {out} exists already; choose another folder or move it away\n"
    assert [path.name for path in tmp_path.rglob("*")] == ["certs", "ca.pem"]


def test_an_empty_folder_may_be_filled(tmp_path: Path) -> None:
    assert certs("make", "--out", tmp_path).exit_code == 0
    assert (tmp_path / "ca.pem").exists()


def test_no_folder_to_write_to(tmp_path: Path) -> None:
    result = certs("make", "--out", tmp_path / "missing" / "certs")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)


def test_show_names_and_expiry(tmp_path: Path) -> None:
    certs("make", "--out", tmp_path / "certs", "--host", "10.1.2.3")
    result = certs("show", tmp_path / "certs")
    assert result.exit_code == 0
    for service in CALLERS:
        assert re.search(rf"{service} .* ok .*ssv://{service}.*10\.1\.2\.3", result.stdout)


def test_show_says_what_has_expired_or_soon_will(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    make_certificates(tmp_path / "old", [], now - timedelta(days=366))
    make_certificates(tmp_path / "soon", [], now - timedelta(days=355))
    old = certs("show", tmp_path / "old")
    assert old.exit_code == 1
    assert old.stdout.count("expired: make a new folder") == len(CALLERS)
    soon = certs("show", tmp_path / "soon")
    assert soon.exit_code == 0
    assert soon.stdout.count("expires in 9 days: make a new folder") == len(CALLERS)


def test_show_what_is_no_certificate(tmp_path: Path) -> None:
    result = certs("show", tmp_path)
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    (tmp_path / "ca.pem").write_text("no certificate")
    assert "is damaged" in certs("show", tmp_path).stderr


@pytest.mark.parametrize("name", ["consensus", "validator-client-1", "operator"])
def test_one_more_certificate(tmp_path: Path, name: str) -> None:
    certs("make", "--out", tmp_path / "certs")
    out = tmp_path / "more"
    out.mkdir()
    result = certs("issue", name, "--authority", tmp_path / "certs", "--out", out, "--host", "10.1.2.3")
    assert result.exit_code == 0, result.output
    store = Store([x509.load_pem_x509_certificate((out / "ca.pem").read_bytes())])
    certificate = x509.load_pem_x509_certificate((out / f"{name}.pem").read_bytes())
    names = PolicyBuilder().store(store).build_client_verifier().verify(certificate, []).subjects
    assert names is not None
    assert names[0] == x509.UniformResourceIdentifier(f"ssv://{name}")
    assert x509.IPAddress(ipaddress.ip_address("10.1.2.3")) in names
    assert stat.S_IMODE((out / f"{name}.key").stat().st_mode) == 0o600
    again = certs("issue", name, "--authority", tmp_path / "certs", "--out", out)
    assert (again.exit_code, "exists already" in again.stderr) == (1, True)


@pytest.mark.parametrize("name", ["", "ca", "Signer", "a/b", "../signer", "-a", "a" * 64, "a b", "ssv://cli"])
def test_what_is_no_name(tmp_path: Path, name: str) -> None:
    certs("make", "--out", tmp_path / "certs")
    result = certs("issue", "--authority", tmp_path / "certs", "--out", tmp_path / "certs", "--", name)
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "no name" in result.stderr


def test_certificates_of_two_authorities_are_not_mixed(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        certs("make", "--out", tmp_path / folder)
    result = certs("issue", "worker", "--authority", tmp_path / "one", "--out", tmp_path / "two")
    assert "is of another authority" in result.stderr
    assert not (tmp_path / "two" / "worker.pem").exists()
    (tmp_path / "one" / "ca.key").write_text("no key")
    result = certs("issue", "worker", "--authority", tmp_path / "one", "--out", tmp_path / "one")
    assert "is damaged" in result.stderr
    (tmp_path / "one" / "ca.key").unlink()
    result = certs("issue", "worker", "--authority", tmp_path / "one", "--out", tmp_path / "one")
    assert "key of the authority" in result.stderr
