"""Whether the beacon node is there and up to date, and waiting until it is.

`wait_until_ready` says in one line what is missing and what to do, again only when the reason changes, and keeps
trying: a missing dependency never ends a process (architecture, invariant 9).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import msgspec

from ssv_ethereum.backoff import Backoff
from ssv_ethereum.beacon.answers import Envelope, Uint
from ssv_ethereum.beacon.errors import BeaconAnswerInvalid, BeaconError, BeaconRefused, BeaconTimeout
from ssv_ethereum.beacon.http import BeaconHttp

_log = logging.getLogger(__name__)


class Syncing(msgspec.Struct, frozen=True):
    """Whether the node is up to date; `sync_distance` counts slots."""

    is_syncing: bool
    head_slot: Uint = 0
    sync_distance: Uint = 0
    is_optimistic: bool = False
    el_offline: bool = False


class _Version(msgspec.Struct, frozen=True):
    version: str


@dataclass(frozen=True, slots=True)
class StatusApi:
    """Version and sync state."""

    http: BeaconHttp

    async def version(self) -> str:
        """Return the node's name and version. Raises BeaconError."""
        return (await self.http.get("/eth/v1/node/version", Envelope[_Version])).data.version

    async def syncing(self) -> Syncing:
        """Return whether the node is up to date. Raises BeaconError."""
        return (await self.http.get("/eth/v1/node/syncing", Envelope[Syncing])).data

    async def wait_until_ready(self, backoff: Backoff | None = None) -> str:
        """Return the version once the node answers and is in sync; bound it with asyncio.timeout if need be."""
        backoff = backoff or Backoff()
        told = ""
        while True:
            try:
                version, syncing = await self.version(), await self.syncing()
                if not syncing.is_syncing:
                    return version
                obstacle = f"beacon node {self.http.endpoint} is syncing: waiting until it has caught up"
            except BeaconError as error:
                obstacle = f"{error}. {_remedy(error)}"
            if obstacle != told:
                _log.warning("%s", obstacle)
                told = obstacle
            await backoff.pause()


def _remedy(error: BeaconError) -> str:
    match error:
        case BeaconRefused() | BeaconAnswerInvalid():
            return "Check that the URL is that of a Beacon API; trying again."
        case BeaconTimeout():
            return "Check that the node is not overloaded; trying again."
        case _:
            return "Start the node or correct its URL; trying again."
