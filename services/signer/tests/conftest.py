from pathlib import Path

import pytest
from services.signer.tests.harness import Signer, make_world
from tests.support.signing_world import SigningWorld


@pytest.fixture(scope="session")
def world() -> SigningWorld:
    return make_world()


@pytest.fixture
def signer(tmp_path: Path, world: SigningWorld) -> Signer:
    return Signer(tmp_path, world)
