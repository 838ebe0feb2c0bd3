"""Keystores that open at once, and a validator of whose share the key lies elsewhere."""

import pytest
from tests.support.signing_world import SigningWorld, Validator

from ssv_protocol.crypto import eip2335


@pytest.fixture
def validator(world: SigningWorld) -> Validator:
    return world.validator(1)


@pytest.fixture(autouse=True)
def cheap_keystores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eip2335, "SCRYPT_N", 2)
