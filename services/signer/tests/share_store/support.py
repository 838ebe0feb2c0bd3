"""A store for the shares of a world, the settings of a signer that uses it, and what that signer says of it."""

from __future__ import annotations

import asyncio

from services.signer.tests.harness import PATIENCE_S, SLOTS_PER_EPOCH, Signer
from services.signer.tests.share_store.stand_in import StandIn
from tests.support.signing_world import SigningWorld

from ssv_protocol.crypto.bls import SecretKey


def stand_in(world: SigningWorld, *keys: SecretKey, token: str = "") -> StandIn:
    version = world.network.chain.forks[0].version
    return StandIn(*keys, slots_per_epoch=SLOTS_PER_EPOCH, capella=version, genesis=version, token=token)


def elsewhere(store: StandIn) -> dict[str, object]:
    return elsewhere_at(store.url)


def elsewhere_at(url: str) -> dict[str, object]:
    return {"share_store": "remote", "remote_share_store_url": url}


async def told(signer: Signer, words: str) -> str:
    """Wait until readiness says something of the store; gives all of it."""
    assert signer.service is not None
    async with asyncio.timeout(PATIENCE_S):
        while words not in (problem := signer.service.health.problems().get("share store", "")):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return problem
