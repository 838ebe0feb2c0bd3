"""The external store as a part of the signer: made from the settings, closed at the end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ssv_protocol.beacon_chain import BeaconChain
from ssv_runtime.service import Service
from ssv_signer.settings import SignerSettings
from ssv_signer.share_store.client import StoreClient
from ssv_signer.share_store.keys import ExternalKeys
from ssv_signer.share_store.place import store_place
from ssv_signer.share_store.signing import ExternalStore


@asynccontextmanager
async def external_store(
    settings: SignerSettings, service: Service, chain: BeaconChain
) -> AsyncIterator[ExternalStore]:
    """Give the store inside the block; raises StartRefused."""
    place = store_place(settings)
    async with StoreClient(place) as client:
        yield ExternalStore(
            client,
            ExternalKeys(chain),
            service.health.dependency("share store"),
            service.log,
            timeout_s=place.timeout_s,
            connections=place.connections,
        )
