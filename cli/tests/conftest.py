import json
import secrets
from pathlib import Path

import pytest

from ssv_protocol.crypto import eip2335
from ssv_protocol.crypto.bls import SecretKey
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.types.committee import COMMITTEE_SIZES
from ssv_protocol.types.ids import OperatorId
from ssvctl.operator_keys import contract_form

PASSWORD = "correct horse"


@pytest.fixture(autouse=True)
def cheap_keystores(monkeypatch: pytest.MonkeyPatch) -> None:
    """New keystores would take seconds and 256 MiB each; the cost is a parameter of the format."""
    monkeypatch.setattr(eip2335, "SCRYPT_N", 2)


@pytest.fixture(scope="session")
def operator_keys() -> dict[OperatorId, OperatorPrivateKey]:
    return {OperatorId(number): OperatorPrivateKey.generate() for number in (1, 2, 3, 40)}


@pytest.fixture(scope="session")
def many_operators(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The list of operators of the largest committee, as `--operators` takes it."""
    keys = [OperatorPrivateKey.generate() for _ in range(max(COMMITTEE_SIZES))]
    listed = [{"id": number, "publicKey": contract_form(key.public_pem())} for number, key in enumerate(keys, 1)]
    path = tmp_path_factory.mktemp("operators") / "operators.json"
    path.write_text(json.dumps(listed))
    return path


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    path = tmp_path / "password.txt"
    path.write_text(PASSWORD + "\n")
    return path


@pytest.fixture
def operator_files(tmp_path: Path, operator_keys: dict[OperatorId, OperatorPrivateKey]) -> dict[OperatorId, Path]:
    """Public keys as `ssvctl keys generate` prints them."""
    files = {}
    for operator_id, key in operator_keys.items():
        files[operator_id] = tmp_path / f"operator-{operator_id}.pub"
        files[operator_id].write_text(contract_form(key.public_pem()) + "\n")
    return files


@pytest.fixture
def validators(tmp_path: Path) -> list[SecretKey]:
    """Three validators with their keystores in the folder `keystores`."""
    (tmp_path / "keystores").mkdir()
    keys = [SecretKey.generate(secrets.token_bytes) for _ in range(3)]
    for number, key in enumerate(keys):
        write_keystore(tmp_path / "keystores" / f"keystore-m_12381_3600_{number}.json", key)
    return keys


def write_keystore(path: Path, key: SecretKey, **fields: object) -> Path:
    content = {
        "version": 4,
        "pubkey": key.public_key().hex(),
        "path": "m/12381/3600/0/0/0",
        "uuid": "c0ffee",
        "crypto": eip2335.encrypt(key.to_bytes(), PASSWORD, secrets.token_bytes),
    }
    path.write_text(json.dumps(content | fields))
    return path
