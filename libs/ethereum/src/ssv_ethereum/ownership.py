"""Ownership signatures of many blocks, checked ahead in batches.

A batch holds the interpreter while it is computed, so it is kept short enough for the service to answer in between.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence

from ssv_ethereum.registry_blocks import BlockUpdate
from ssv_protocol.crypto import bls
from ssv_protocol.registry.ownership import CheckedClaims, ownership_claims
from ssv_protocol.registry.state import RegistryState

SIGNATURES_AT_ONCE = 64
_FEW = 4


async def check_ownership(state: RegistryState, updates: Sequence[BlockUpdate]) -> CheckedClaims:
    """Check what `updates` will ask for once they are applied to `state`."""
    checked = CheckedClaims()
    logs = [log for update in updates for log in update.logs]
    if len(logs) < _FEW:
        return checked  # no batch: applying checks them as fast
    claims = await asyncio.to_thread(ownership_claims, state, logs)
    for at in range(0, len(claims), SIGNATURES_AT_ONCE):
        part = claims[at : at + SIGNATURES_AT_ONCE]
        checked.add(part, await asyncio.to_thread(bls.verify_many, part, secrets.token_bytes))
    return checked
