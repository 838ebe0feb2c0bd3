"""Ownership signatures of many blocks, checked ahead on all cores.

The signatures are checked in batches in threads: the library lets go of the interpreter while it computes pairings.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Sequence

from ssv_ethereum.registry_blocks import BlockUpdate
from ssv_protocol.crypto import bls
from ssv_protocol.registry.ownership import CheckedClaims, Claim, ownership_claims
from ssv_protocol.registry.state import RegistryState

SIGNATURES_AT_ONCE = 128
_FEW = 4


async def check_ownership(state: RegistryState, updates: Sequence[BlockUpdate]) -> CheckedClaims:
    """Check what `updates` will ask for once they are applied to `state`."""
    checked = CheckedClaims()
    logs = [log for update in updates for log in update.logs]
    if len(logs) < _FEW:
        return checked  # no batch: applying checks them as fast
    claims = await asyncio.to_thread(ownership_claims, state, logs)
    parts = [claims[at : at + SIGNATURES_AT_ONCE] for at in range(0, len(claims), SIGNATURES_AT_ONCE)]
    cores = asyncio.Semaphore(os.cpu_count() or 1)

    async def check(part: Sequence[Claim]) -> None:
        async with cores:
            outcome = await asyncio.to_thread(bls.verify_many, part, secrets.token_bytes)
        checked.add(part, outcome)

    await asyncio.gather(*map(check, parts))
    return checked
