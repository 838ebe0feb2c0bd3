"""How a committee's messages come in: those the gateways pass on now, and those they kept from the last slots."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from google.protobuf.message import DecodeError

from ssv_api.v1.gateway_pb2 import Replay
from ssv_protocol.types.ids import CommitteeId, Instant
from ssv_runtime.bus import Bus, BusError, Message
from ssv_runtime.nats_permissions import GOSSIP_IN, REPLAY

RECEIVED_HEADER = "ssv-received-unix-us"
REPLAY_WINDOW_S = 0.3
"""How long answers of several gateways are gathered."""

Deliver = Callable[[bytes, Instant | None], None]


class CommitteeInbox:
    """Takes a committee's messages from the bus to `deliver`, which is told when the gateway had them."""

    def __init__(self, bus: Bus, committee: CommitteeId, deliver: Deliver) -> None:
        self._bus = bus
        self._committee = committee.hex()
        self._deliver = deliver

    @asynccontextmanager
    async def subscribed(self) -> AsyncIterator[None]:
        """Deliver what comes, inside the block."""
        subscription = await self._bus.subscribe(f"{GOSSIP_IN}.{self._committee}", self._came)
        try:
            yield
        finally:
            await self._bus.unsubscribe(subscription)

    async def replay(self) -> int:
        """Deliver what the gateways kept, without their times, which are old; return how many messages that were.

        Raises:
            BusError: no gateway answered.
        """
        answers = await self._bus.request_all(f"{REPLAY}.{self._committee}", b"", REPLAY_WINDOW_S)
        count = 0
        for answer in answers:
            for message in _messages(answer):
                self._deliver(message, None)
                count += 1
            await asyncio.sleep(0)  # let the duties in between
        return count

    async def replay_until(self, give_up_s: float, pause_s: float) -> int:
        """Try `replay` again for `give_up_s`; return how many messages came."""
        try:
            async with asyncio.timeout(give_up_s):
                while True:
                    try:
                        return await self.replay()
                    except BusError:
                        await asyncio.sleep(pause_s)
        except TimeoutError:
            return 0

    async def _came(self, message: Message) -> None:
        self._deliver(message.data, _received_at(message))


def _received_at(message: Message) -> Instant | None:
    text = message.headers.get(RECEIVED_HEADER, "")
    return Instant(int(text) / 1_000_000) if text.isdecimal() else None


def _messages(answer: Message) -> list[bytes]:
    try:
        replayed = Replay.FromString(answer.data).messages
    except DecodeError:
        return []
    return [each.message for each in sorted(replayed, key=lambda each: each.received_unix_us)]
