"""One beacon node: the parts of the Beacon API that an operator uses, over one set of connections.

The client holds no state of the chain, does not retry (only `status.wait_until_ready` and `events.listen` do) and
knows no other node; a pool of several is built around it.
"""

from __future__ import annotations

from typing import Self

from ssv_ethereum.beacon.attestations import AttestationsApi
from ssv_ethereum.beacon.blocks import BlocksApi
from ssv_ethereum.beacon.chain import ChainApi
from ssv_ethereum.beacon.duties import DutiesApi
from ssv_ethereum.beacon.events import EventsApi
from ssv_ethereum.beacon.exits import ExitsApi
from ssv_ethereum.beacon.http import DEFAULT_DEADLINE_S, BeaconHttp
from ssv_ethereum.beacon.proposers import ProposersApi
from ssv_ethereum.beacon.status import StatusApi
from ssv_ethereum.beacon.subscriptions import SubscriptionsApi
from ssv_ethereum.beacon.sync_committee import SyncCommitteeApi
from ssv_ethereum.beacon.validators import ValidatorsApi


class BeaconNode:
    """Client of the beacon node at `url`; `deadline_s` bounds each request. Use as an async context manager."""

    def __init__(self, url: str, deadline_s: float = DEFAULT_DEADLINE_S) -> None:
        self._http = BeaconHttp(url, deadline_s)
        self.status = StatusApi(self._http)
        self.chain = ChainApi(self._http)
        self.validators = ValidatorsApi(self._http)
        self.duties = DutiesApi(self._http)
        self.subscriptions = SubscriptionsApi(self._http)
        self.attestations = AttestationsApi(self._http)
        self.sync_committee = SyncCommitteeApi(self._http)
        self.blocks = BlocksApi(self._http)
        self.proposers = ProposersApi(self._http)
        self.exits = ExitsApi(self._http)
        self.events = EventsApi(self._http)

    @property
    def endpoint(self) -> str:
        """Scheme, host and port; safe to show."""
        return self._http.endpoint

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections. May be called again."""
        await self._http.close()
