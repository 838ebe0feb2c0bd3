"""Reads what the duty-scheduler says of all SSV validators from the bucket `duties`.

What was read stays known while the bus is away; a value that cannot be read is logged and skipped.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from google.protobuf.message import DecodeError
from structlog.typing import FilteringBoundLogger

from ssv_api.v1 import duties_pb2 as pb
from ssv_p2p_gateway.world import World
from ssv_runtime.bus import KvEntry

NETWORK_KEYS = ("*.network", "*.network.*")


async def follow(
    entries: AsyncIterator[KvEntry], world: World, changed: Callable[[], None], log: FilteringBoundLogger
) -> None:
    """Tell the world every value that comes."""
    async for entry in entries:
        if entry.value is None:
            continue  # age has taken it from the bucket; whoever knew it may go on
        try:
            _take(entry.key, entry.value, world)
        except (DecodeError, ValueError) as error:
            log.warning("duties cannot be read", key=entry.key, reason=str(error))
        changed()


def _take(key: str, value: bytes, world: World) -> None:
    match key.split("."):
        case [_, "network"]:
            world.duties_came(pb.NetworkDuties.FromString(value))
        case [_, "network", part]:
            world.validators_came(part, pb.KnownValidators.FromString(value))
