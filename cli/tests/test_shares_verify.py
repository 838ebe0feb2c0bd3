"""`ssvctl shares verify`: what is wrong with a keyshares file, named by file and field."""

import copy
import json
import secrets
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from ssv_protocol.crypto.bls import SecretKey
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.types.ids import ExecutionAddress, OperatorId
from ssvctl.keyshares import encode_keyshares
from ssvctl.main import app
from ssvctl.shares import build_keyshares

OWNER = ExecutionAddress(bytes.fromhex("5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"))
NONCE = 5
SIGNATURE_DIGITS, KEY_DIGITS = 2 * 96, 2 * 48
Json = dict[str, Any]
Spoil = Callable[[Json], object]


@pytest.fixture(scope="session")
def document(operator_keys: dict[OperatorId, OperatorPrivateKey]) -> Json:
    """Two validators of operators 1, 2, 3 and 40."""
    keys = [SecretKey.generate(secrets.token_bytes) for _ in range(2)]
    operators = {operator_id: key.public_pem() for operator_id, key in operator_keys.items()}
    made = build_keyshares(keys, operators, OWNER, NONCE)
    parsed: Json = json.loads(encode_keyshares(made, datetime.now(UTC)))
    return parsed


def verify(path: Path, content: object) -> Result:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return CliRunner().invoke(app, ["shares", "verify", str(path)])


def test_a_good_file(tmp_path: Path, document: Json) -> None:
    result = verify(tmp_path / "keyshares.json", document)
    assert result.exit_code == 0, result.output
    assert result.stdout.count("good") == 2
    assert "1, 2, 3, 40" in result.stdout


@pytest.mark.parametrize("version", ["v1.1.0", "v1.2.7"])
def test_the_versions_that_have_this_shape(tmp_path: Path, document: Json, version: str) -> None:
    assert verify(tmp_path / "keyshares.json", document | {"version": version}).exit_code == 0


def test_a_file_of_one_validator_without_a_list(tmp_path: Path, document: Json) -> None:
    assert verify(tmp_path / "keyshares.json", {"version": "v1.1.0", **document["shares"][0]}).exit_code == 0


# what the file as a whole must be: the first fault ends the reading
UNREADABLE: list[tuple[str, Spoil]] = [
    ("version is missing", lambda d: d.pop("version")),
    ('version is "v4" and not', lambda d: d.update(version="v4")),
    ("version is 1 and not", lambda d: d.update(version=1)),
    ("shares is [] and no list", lambda d: d.update(shares=[])),
    ('shares is "x" and no list', lambda d: d.update(shares="x")),
    ("shares[0] is no JSON object", lambda d: d["shares"].insert(0, 1)),
    ("shares[1].data is missing", lambda d: d["shares"][1].pop("data")),
    ("shares[1].payload is no JSON object", lambda d: d["shares"][1].update(payload=[])),
    ("shares[1].data.ownerNonce is missing", lambda d: d["shares"][1]["data"].pop("ownerNonce")),
    ('shares[1].data.ownerNonce is "6" and no number', lambda d: d["shares"][1]["data"].update(ownerNonce="6")),
    ("shares[1].data.ownerNonce is -1 and no number", lambda d: d["shares"][1]["data"].update(ownerNonce=-1)),
    ("shares[1].data.ownerNonce is true and no number", lambda d: d["shares"][1]["data"].update(ownerNonce=True)),
    ("shares[1].data.ownerAddress 0x12 is no address", lambda d: d["shares"][1]["data"].update(ownerAddress="0x12")),
    (
        "shares[1].data.ownerAddress 0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed has a wrong checksum",
        lambda d: d["shares"][1]["data"].update(ownerAddress="0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"),
    ),
    ("shares[1].data.publicKey has 2 bytes and not 48", lambda d: d["shares"][1]["data"].update(publicKey="0x1234")),
    ("shares[1].payload.publicKey is 7 and no text", lambda d: d["shares"][1]["payload"].update(publicKey=7)),
    (
        "shares[1].payload.publicKey is another than shares[1].data.publicKey",
        lambda d: d["shares"][1]["data"].update(publicKey=d["shares"][0]["data"]["publicKey"]),
    ),
    ("shares[1].data.operators is [] and no list", lambda d: d["shares"][1]["data"].update(operators=[])),
    ("shares[1].data.operators[2].id is missing", lambda d: d["shares"][1]["data"]["operators"][2].pop("id")),
    (
        "shares[1].data.operators[2].id is 1, which is there twice",
        lambda d: d["shares"][1]["data"]["operators"][2].update(id=1),
    ),
    (
        "shares[1].data.operators[2].operatorKey is no base64",
        lambda d: d["shares"][1]["data"]["operators"][2].update(operatorKey="§"),
    ),
    (
        "shares[1].payload.operatorIds are [1, 2, 3], but shares[1].data.operators are [1, 2, 3, 40]",
        lambda d: d["shares"][1]["payload"]["operatorIds"].pop(),
    ),
    (
        'shares[1].payload.operatorIds[0] is "1" and no number',
        lambda d: d["shares"][1]["payload"].update(operatorIds=["1"]),
    ),
    (
        'shares[1].payload.sharesData is "0xzz" and not hex',
        lambda d: d["shares"][1]["payload"].update(sharesData="0xzz"),
    ),
]


@pytest.mark.parametrize(("problem", "spoil"), UNREADABLE, ids=[problem[:50] for problem, _ in UNREADABLE])
def test_a_file_that_can_not_be_read(tmp_path: Path, document: Json, problem: str, spoil: Spoil) -> None:
    spoiled, path = copy.deepcopy(document), tmp_path / "keyshares.json"
    spoil(spoiled)
    result = verify(path, spoiled)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"ssvctl: {path}: {problem}")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("content", ["no json", "[]", "5"])
def test_what_is_no_keyshares_file(tmp_path: Path, content: str) -> None:
    path = tmp_path / "wrong.json"
    result = verify(path, content)
    assert result.exit_code == 1
    assert f"{path}" in result.stderr
    assert "is it the right file?" in result.stderr


def shares_data(entry: Json, digits: Callable[[str], str]) -> None:
    payload = entry["payload"]
    payload["sharesData"] = "0x" + digits(payload["sharesData"][2:])


def share_key(digits: str, seat: int) -> slice:
    start = SIGNATURE_DIGITS + seat * KEY_DIGITS
    return slice(start, start + KEY_DIGITS)


def exchanged(digits: str, one: int, other: int) -> str:
    parts = {seat: digits[share_key(digits, seat)] for seat in (one, other)}
    return replaced(replaced(digits, one, parts[other]), other, parts[one])


def replaced(digits: str, seat: int, key: str) -> str:
    place = share_key(digits, seat)
    return digits[: place.start] + key + digits[place.stop :]


def operators_turned(entry: Json) -> None:
    entry["data"]["operators"].reverse()
    entry["payload"]["operatorIds"].reverse()


def three_operators(entry: Json) -> None:
    entry["data"]["operators"].pop()
    entry["payload"]["operatorIds"].pop()


def key_of_nobody(entry: Json) -> None:
    for part in ("data", "payload"):
        entry[part]["publicKey"] = "0x" + "00" * 48


STRANGER = SecretKey(7).public_key().hex()
# what the fields say to each other: all problems of all validators are listed
BAD: list[tuple[str, Spoil]] = [
    (
        "payload.sharesData: not signed by the validator for this owner and data.ownerNonce 9",
        lambda e: e["data"].update(ownerNonce=9),
    ),
    (
        "payload.sharesData: not signed by the validator for this owner",
        lambda e: e["data"].update(ownerAddress="0x" + "11" * 20),
    ),
    ("data.ownerNonce: 65536 is above 65535", lambda e: e["data"].update(ownerNonce=65536)),
    ("payload.sharesData: shares_length", lambda e: shares_data(e, lambda digits: digits[:-2])),
    ("payload.operatorIds: [40, 3, 2, 1] do not ascend", operators_turned),
    ("payload.operatorIds: committee_size", three_operators),
    ("payload.publicKey: validator_key", key_of_nobody),
    (
        "data.operators[0].operatorKey: operator 1 has no RSA key",
        lambda e: e["data"]["operators"][0].update(operatorKey=b64encode(b"none").decode()),
    ),
    (
        "data.operators[1].operatorKey: operator 2 has the key of operator 1",
        lambda e: e["data"]["operators"][1].update(operatorKey=e["data"]["operators"][0]["operatorKey"]),
    ),
    (
        "payload.sharesData: the share public key of operator 40 does not belong",
        lambda e: shares_data(e, lambda digits: replaced(digits, 3, STRANGER)),
    ),
    (
        "payload.sharesData: the share public key of operator 3 does not belong",
        lambda e: shares_data(e, lambda digits: replaced(digits, 2, "11" * 48)),
    ),
    (
        "payload.sharesData: the share public keys do not combine",
        lambda e: shares_data(e, lambda digits: exchanged(digits, 0, 1)),
    ),
    (
        "payload.sharesData: two operators have the same share",
        lambda e: shares_data(e, lambda digits: replaced(digits, 0, digits[share_key(digits, 1)])),
    ),
]


@pytest.mark.parametrize(("problem", "spoil"), BAD, ids=[problem[:60] for problem, _ in BAD])
def test_a_validator_that_can_not_be_registered(tmp_path: Path, document: Json, problem: str, spoil: Spoil) -> None:
    spoiled, path = copy.deepcopy(document), tmp_path / "keyshares.json"
    spoil(spoiled["shares"][1])
    result = verify(path, spoiled)
    assert result.exit_code == 1
    assert f"{path}: shares[1].{problem}" in result.stdout
    assert f"{path}: shares[0]" not in result.stdout
    assert result.stdout.count("good") == 1
    assert result.stderr == "ssvctl: 1 of 2 can't be registered like this; split these keys again\n"


def test_the_same_validator_and_nonce_twice(tmp_path: Path, document: Json) -> None:
    path = tmp_path / "keyshares.json"
    result = verify(path, document | {"shares": [document["shares"][0]] * 2})
    assert result.exit_code == 1
    assert f"{path}: shares[1].payload.publicKey: the validator of shares[0] again" in result.stdout
    assert f"{path}: shares[1].data.ownerNonce: 5 is that of shares[0] of the same owner" in result.stdout


def test_shares_of_another_validator(tmp_path: Path, document: Json) -> None:
    one, other = copy.deepcopy(document["shares"])
    signature = one["payload"]["sharesData"][2:][:SIGNATURE_DIGITS]
    one["payload"]["sharesData"] = "0x" + signature + other["payload"]["sharesData"][2:][SIGNATURE_DIGITS:]
    result = verify(tmp_path / "keyshares.json", document | {"shares": [one]})
    assert "shares[0].payload.sharesData: the share public keys do not combine" in result.stdout
