"""Signers on a chain with every fork, and keystores that open at once."""

from pathlib import Path

import pytest
from services.signer.tests.databases import Database
from services.signer.tests.harness import Signer
from services.signer.tests.remote.world import NETWORK
from tests.support.signing_world import SigningWorld

from ssv_protocol.crypto import eip2335


@pytest.fixture(scope="session")
def remote_world() -> SigningWorld:
    return SigningWorld(NETWORK)


@pytest.fixture
def signer(tmp_path: Path, remote_world: SigningWorld, database: Database) -> Signer:
    return Signer(tmp_path, remote_world, database)


@pytest.fixture(autouse=True)
def cheap_keystores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eip2335, "SCRYPT_N", 2)
