"""Voluntary exits on their way into a block.

Source: beacon-APIs, `submitPoolVoluntaryExit`, `getPoolVoluntaryExits`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ssv_ethereum.beacon.answers import Envelope
from ssv_ethereum.beacon.http import BeaconHttp
from ssv_ethereum.beacon.ssz_json import from_json_answer
from ssv_protocol.types.beacon.exit import SignedVoluntaryExit
from ssv_protocol.types.ssz_json import to_json

_PATH = "/eth/v1/beacon/pool/voluntary_exits"


@dataclass(frozen=True, slots=True)
class ExitsApi:
    """The node's pool of exits."""

    http: BeaconHttp

    async def submit(self, signed: SignedVoluntaryExit) -> None:
        """Submit one exit; the API takes no batches.

        Raises BeaconError. Nodes may refuse what they already have.
        """
        await self.http.submit(_PATH, to_json(signed))

    async def pool(self) -> tuple[SignedVoluntaryExit, ...]:
        """Return the exits that wait for a block, and some that have found one. Raises BeaconError."""
        answer = await self.http.get(_PATH, Envelope[list[dict[str, Any]]])
        return tuple(
            from_json_answer(SignedVoluntaryExit, item, self.http.endpoint, f"GET {_PATH}") for item in answer.data
        )
