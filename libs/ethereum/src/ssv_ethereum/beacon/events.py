"""The node's event stream (SSE), kept open.

`listen` yields `StreamOpened` each time the stream begins, because whatever happened before it was missed: the
listener asks for the present state then. A stream that breaks, ends, or is silent for too long is opened again after
a pause. Events are hints; nothing that matters may depend on seeing each of them.

Source: beacon-APIs, `eventstream`; the HTML standard, "Server-sent events".
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from enum import StrEnum

import aiohttp
import msgspec

from ssv_ethereum.backoff import Backoff
from ssv_ethereum.beacon.answers import Hex32, Uint, decode
from ssv_ethereum.beacon.http import BeaconHttp

_log = logging.getLogger(__name__)
_PATH = "/eth/v1/events"
_OK = 200


class Topic(StrEnum):
    """Topics that this project listens to."""

    HEAD = "head"
    BLOCK = "block"
    FINALIZED_CHECKPOINT = "finalized_checkpoint"


class StreamOpened(msgspec.Struct, frozen=True):
    """The stream begins, for the first time or again; events before it may have been missed."""


class HeadEvent(msgspec.Struct, frozen=True):
    """A new head; the dependent roots say whether duties known before still stand."""

    slot: Uint
    block: Hex32
    previous_duty_dependent_root: Hex32
    current_duty_dependent_root: Hex32


class BlockEvent(msgspec.Struct, frozen=True):
    """A block was imported; not necessarily as head."""

    slot: Uint
    block: Hex32


class FinalizedEvent(msgspec.Struct, frozen=True):
    """An epoch was finalized."""

    epoch: Uint
    block: Hex32


ChainEvent = HeadEvent | BlockEvent | FinalizedEvent
Event = StreamOpened | ChainEvent

_TYPES: dict[str, type[HeadEvent] | type[BlockEvent] | type[FinalizedEvent]] = {
    Topic.HEAD: HeadEvent,
    Topic.BLOCK: BlockEvent,
    Topic.FINALIZED_CHECKPOINT: FinalizedEvent,
}


@dataclass(frozen=True, slots=True)
class EventsApi:
    """The event stream."""

    http: BeaconHttp

    async def listen(
        self, topics: Sequence[Topic], *, silence_s: float = 60.0, backoff: Backoff | None = None
    ) -> AsyncGenerator[Event, None]:
        """Yield events until the caller stops; reconnects for ever, and never raises for the node's faults.

        `silence_s` without a byte (nodes send keep-alives or at least a head now and then) counts as a broken stream.
        """
        backoff = backoff or Backoff()
        while True:
            try:
                async with aclosing(self._once(topics, silence_s)) as events:
                    async for event in events:
                        backoff.reset()
                        yield event
                reason = "the node closed it"
            except TimeoutError:
                reason = f"silent for {silence_s} s"
            except (aiohttp.ClientError, OSError, ValueError) as error:
                reason = f"{type(error).__name__} {error}"
            _log.info("event stream of beacon node %s broke (%s): opening it again", self.http.endpoint, reason)
            await backoff.pause()

    async def _once(self, topics: Sequence[Topic], silence_s: float) -> AsyncGenerator[Event, None]:
        timeout = aiohttp.ClientTimeout(total=None, connect=self.http.deadline_s, sock_read=silence_s)
        async with self.http.session.get(
            self.http.url + _PATH,
            params={"topics": ",".join(topics)},
            headers={"Accept": "text/event-stream"},
            timeout=timeout,
        ) as response:
            if response.status != _OK:
                raise ValueError(f"HTTP {response.status}")
            yield StreamOpened()
            name, data = "", b""
            async for raw in response.content:
                line = raw.rstrip(b"\r\n")
                if line.startswith(b"event:"):
                    name = line.removeprefix(b"event:").strip().decode(errors="replace")
                elif line.startswith(b"data:"):
                    data += line.removeprefix(b"data:").strip()
                elif not line:
                    event = self._event(name, data)
                    name, data = "", b""
                    if event is not None:
                        yield event

    def _event(self, name: str, data: bytes) -> ChainEvent | None:
        """Return the event, or None for one that is unknown or malformed."""
        wanted = _TYPES.get(name)
        if wanted is None:
            return None
        try:
            return decode(data, wanted)
        except msgspec.DecodeError as error:
            _log.warning("beacon node %s sent a malformed %s event: %s", self.http.endpoint, name, error)
            return None
