"""SSZ containers in a beacon node's answers: what is not of its type is the node's mistake.

The codec itself is `ssv_protocol.types.ssz_json`.
"""

from __future__ import annotations

from typing import TypeVar

from ssv_ethereum.beacon.errors import BeaconAnswerInvalid
from ssv_protocol.types.ssz import SszContainer
from ssv_protocol.types.ssz_json import Malformed, from_json

C = TypeVar("C", bound=SszContainer)


def from_json_answer(container: type[C], plain: object, endpoint: str, request: str) -> C:
    """Return the container in a node's answer to `request`; raises BeaconAnswerInvalid."""
    try:
        return from_json(container, plain, container.__name__)
    except Malformed as error:
        raise BeaconAnswerInvalid(endpoint, request, str(error)) from None
