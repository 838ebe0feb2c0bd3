from __future__ import annotations

import pytest

from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.types.ids import OperatorId


@pytest.fixture(scope="session")
def keys() -> dict[OperatorId, OperatorPrivateKey]:
    """Keys of registered operators; 9 is in nobody's committee."""
    return {OperatorId(number): OperatorPrivateKey.generate() for number in (1, 2, 3, 4, 5, 9)}
