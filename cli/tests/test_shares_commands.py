import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli.tests.conftest import PASSWORD, write_keystore
from typer.testing import CliRunner, Result

from ssv_protocol.crypto import bls, eip2335
from ssv_protocol.crypto.bls import SecretKey
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.crypto.shares import ShareData, decrypt_share, ownership_root
from ssv_protocol.types.committee import COMMITTEE_SIZES
from ssv_protocol.types.ids import ExecutionAddress, OperatorId, Root
from ssvctl.keyshares_file import read_keyshares
from ssvctl.main import app
from ssvctl.operator_keys import contract_form

OWNER = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
OWNER_ADDRESS = ExecutionAddress(bytes.fromhex(OWNER[2:]))
ROOT = Root(b"\x2a" * 32)


def ssvctl(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["shares", *map(str, arguments)])


@pytest.fixture
def split(
    tmp_path: Path, validators: list[SecretKey], operator_files: dict[OperatorId, Path], password_file: Path
) -> Callable[..., Result]:
    """Run `ssvctl shares split`; what is given replaces the option of that name, None leaves it out."""

    def run(**changes: object) -> Result:
        options: dict[str, Any] = {
            "keystore-dir": tmp_path / "keystores",
            "password-file": password_file,
            "owner": OWNER,
            "nonce": 5,
            "operator": [f"{operator_id}={path}" for operator_id, path in operator_files.items()],
            "out": tmp_path / "keyshares.json",
        }
        options |= {name.replace("_", "-"): value for name, value in changes.items()}
        arguments: list[object] = []
        for name, value in options.items():
            for single in value if isinstance(value, list) else [value]:
                arguments += [] if single is None else [f"--{name}", single]
        return ssvctl("split", *arguments)

    return run


def refused(result: Result, tmp_path: Path, *parts: str) -> None:
    """One line on stderr with all parts, exit code 1, nothing written, no password shown."""
    assert result.exit_code == 1, result.output
    assert result.stderr.startswith("ssvctl: ")
    assert result.stderr.count("\n") == 1
    for part in parts:
        assert part in result.stderr
    assert PASSWORD not in result.output
    assert not (tmp_path / "keyshares.json").exists()


def test_the_file_is_what_registration_needs(
    tmp_path: Path,
    split: Callable[..., Result],
    validators: list[SecretKey],
    operator_keys: dict[OperatorId, OperatorPrivateKey],
) -> None:
    result = split()
    assert result.exit_code == 0, result.output
    assert "3 validators, nonces 5 to 7" in result.stdout
    document = json.loads((tmp_path / "keyshares.json").read_text())
    assert document["version"] == "v1.2.0"
    assert document["createdAt"].endswith("Z")
    for number, (entry, validator) in enumerate(zip(document["shares"], validators, strict=True)):
        data, payload = entry["data"], entry["payload"]
        assert (data["ownerNonce"], data["ownerAddress"]) == (5 + number, OWNER)
        assert data["publicKey"] == payload["publicKey"] == f"0x{validator.public_key().hex()}"
        assert payload["operatorIds"] == [1, 2, 3, 40]
        assert data["operators"] == [
            {"id": operator_id, "operatorKey": contract_form(operator_keys[operator_id].public_pem())}
            for operator_id in operator_keys
        ]
        shares = ShareData.decode(bytes.fromhex(payload["sharesData"][2:]), 4)
        assert bls.verify(validator.public_key(), ownership_root(OWNER_ADDRESS, 5 + number), shares.ownership_signature)
        partials = {
            operator_id: decrypt_share(key, shares.encrypted_keys[seat], shares.public_keys[seat]).sign(ROOT)
            for seat, (operator_id, key) in enumerate(operator_keys.items())
            if operator_id != 2
        }
        assert bls.reconstruct(partials) == validator.sign(ROOT)
        assert validator.to_bytes().hex() not in (tmp_path / "keyshares.json").read_text()


def test_single_keystores_and_an_operators_file(
    tmp_path: Path,
    split: Callable[..., Result],
    validators: list[SecretKey],
    operator_keys: dict[OperatorId, OperatorPrivateKey],
) -> None:
    listed = [
        {"id": operator_id, "publicKey": contract_form(key.public_pem())}
        for operator_id, key in reversed(operator_keys.items())
    ]
    operators = tmp_path / "operators.json"
    operators.write_text(json.dumps(listed))
    keystores = sorted((tmp_path / "keystores").iterdir())
    result = split(operator=None, operators=operators, keystore_dir=None, keystore=[keystores[2], keystores[0]])
    assert result.exit_code == 0, result.output
    entries = read_keyshares(tmp_path / "keyshares.json")
    assert [entry.public_key for entry in entries] == [validators[2].public_key(), validators[0].public_key()]
    assert entries[0].operator_ids == (1, 2, 3, 40)


def test_a_wrong_password(tmp_path: Path, split: Callable[..., Result]) -> None:
    wrong = tmp_path / "wrong.txt"
    wrong.write_text("battery staple")
    result = split(password_file=wrong)
    refused(result, tmp_path, "does not open keystore", "keystore-m_12381_3600_0.json", "check the password file")
    assert "battery" not in result.output


def test_a_foreign_keystore(tmp_path: Path, split: Callable[..., Result], validators: list[SecretKey]) -> None:
    path = tmp_path / "keystores" / "keystore-m_12381_3600_1.json"
    write_keystore(path, validators[1], pubkey=validators[0].public_key().hex())
    refused(split(), tmp_path, str(path), "another validator", validators[0].public_key().hex())


def test_what_is_no_validator_keystore(tmp_path: Path, split: Callable[..., Result]) -> None:
    key = SecretKey.generate(secrets.token_bytes)
    path = tmp_path / "other.json"
    pem = eip2335.encrypt(OperatorPrivateKey.generate().to_pem(), PASSWORD, secrets.token_bytes)
    cases: list[tuple[Callable[[], object], str]] = [
        (lambda: path.write_text("no json"), "is not JSON"),
        (lambda: path.write_bytes(b"\xff\xfe"), "is not text"),
        (lambda: path.write_text("[]"), "no validator keystore"),
        (lambda: write_keystore(path, key, version=3), "no validator keystore"),
        (lambda: write_keystore(path, key, crypto={}), "damaged"),
        (lambda: write_keystore(path, key, crypto=pem), "no validator key"),
        (path.unlink, "No such file"),
    ]
    for prepare, problem in cases:
        prepare()
        refused(split(keystore_dir=None, keystore=path), tmp_path, str(path), problem)


def test_the_same_validator_twice(tmp_path: Path, split: Callable[..., Result], validators: list[SecretKey]) -> None:
    path = write_keystore(tmp_path / "keystores" / "keystore-z.json", validators[0])
    refused(split(), tmp_path, str(path), "the same validator")
    twice = [path, path]
    refused(split(keystore_dir=None, keystore=twice), tmp_path, "the same validator")


def test_no_keystores(tmp_path: Path, split: Callable[..., Result]) -> None:
    refused(split(keystore_dir=None), tmp_path, "--keystore")
    (tmp_path / "empty").mkdir()
    refused(split(keystore_dir=tmp_path / "empty"), tmp_path, "holds no keystore*.json")


def test_a_bad_operator_key(
    tmp_path: Path, split: Callable[..., Result], operator_files: dict[OperatorId, Path]
) -> None:
    operator_files[OperatorId(3)].write_text("LS0tLS1CRUdJTg==")
    refused(split(), tmp_path, "operator 3", str(operator_files[OperatorId(3)]), "ssvctl keys generate")


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_wrong_number_of_operators(
    count: int, tmp_path: Path, split: Callable[..., Result], operator_files: dict[OperatorId, Path]
) -> None:
    some = [f"{operator_id}={path}" for operator_id, path in list(operator_files.items())[:count]]
    refused(split(operator=some), tmp_path, f"{count} operators make no committee", "4, 7, 10 or 13")


def test_operators_given_wrongly(
    tmp_path: Path, split: Callable[..., Result], operator_files: dict[OperatorId, Path]
) -> None:
    file = operator_files[OperatorId(1)]
    good = [f"{operator_id}={path}" for operator_id, path in operator_files.items()]
    refused(split(operator=[*good[:3], f"1={file}"]), tmp_path, "operator 1 is given twice")
    refused(split(operator=[*good[:3], f"9={file}"]), tmp_path, "operator 9 has the key of another")
    refused(split(operator=[*good[:3], str(file)]), tmp_path, "write ID=FILE")
    for number in ("0", "-1", "x", str(1 << 64), "²"):
        refused(split(operator=[*good[:3], f"{number}={file}"]), tmp_path, "operator id")
    refused(split(operator=[*good[:3], f"9={tmp_path / 'none'}"]), tmp_path, "operator 9", "No such file")
    listed = tmp_path / "operators.json"
    for content in ("{}", "[1]", '[{"id": 1}]', '[{"publicKey": "LS0t"}]', '[{"id": 1, "publicKey": 5}]'):
        listed.write_text(content)
        refused(split(operator=None, operators=listed), tmp_path, str(listed))


def test_owner_and_nonce(tmp_path: Path, split: Callable[..., Result]) -> None:
    refused(split(owner="0x1234"), tmp_path, "0x1234", "40 hex digits")
    refused(split(owner=OWNER.replace("5aAe", "5AAe")), tmp_path, "checksum")
    refused(split(nonce=65534), tmp_path, "nonce 65534", "65535")
    assert split(owner=OWNER.lower(), nonce=65533).exit_code == 0


def test_nothing_is_overwritten(tmp_path: Path, split: Callable[..., Result]) -> None:
    out = tmp_path / "keyshares.json"
    out.write_text("precious")
    result = split()
    assert result.exit_code == 1
    assert "exists already" in result.stderr
    assert out.read_text() == "precious"


@pytest.mark.parametrize("size", COMMITTEE_SIZES)
def test_every_size_of_committee(
    size: int, tmp_path: Path, split: Callable[..., Result], many_operators: Path, validators: list[SecretKey]
) -> None:
    listed = json.loads(many_operators.read_text())[:size]
    operators = tmp_path / "operators.json"
    operators.write_text(json.dumps(listed))
    assert split(operator=None, operators=operators).exit_code == 0
    entries = read_keyshares(tmp_path / "keyshares.json")
    assert [entry.nonce for entry in entries] == [5, 6, 7]
    assert [len(entry.shares_data) for entry in entries] == [96 + 304 * size] * 3
    assert [entry.public_key for entry in entries] == [key.public_key() for key in validators]
    result = ssvctl("verify", tmp_path / "keyshares.json")
    assert result.exit_code == 0, result.output
    assert result.stdout.count("good") == 3
