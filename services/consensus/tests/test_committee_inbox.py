from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import cast

import pytest
from libs.protocol.tests.signing.world import COMMITTEE
from services.consensus.tests.fake_time import now, run

from ssv_api.v1.gateway_pb2 import Replay, ReplayedMessage
from ssv_consensus.committee_inbox import RECEIVED_HEADER, CommitteeInbox
from ssv_protocol.types.ids import Instant
from ssv_runtime.bus import Bus, Message, NoResponders


async def respond(_reply: str, _data: bytes) -> None: ...


def message(data: bytes, headers: Mapping[str, str] | None = None) -> Message:
    return Message("subject", data, headers or {}, "", respond)


def kept(*messages: tuple[bytes, int]) -> bytes:
    replayed = [ReplayedMessage(message=data, received_unix_us=at) for data, at in messages]
    return Replay(messages=replayed).SerializeToString()


@dataclass
class FakeBus:
    """Gateways answer from `from_s` on."""

    answers: list[bytes] = field(default_factory=list)
    from_s: float = 0.0
    handlers: dict[str, Callable[[Message], Awaitable[None]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def subscribe(self, subject: str, handler: Callable[[Message], Awaitable[None]]) -> str:
        self.handlers[subject] = handler
        return subject

    async def unsubscribe(self, subject: str) -> None:
        del self.handlers[subject]

    async def request_all(self, subject: str, data: bytes, timeout_s: float) -> list[Message]:
        self.asked.append(subject)
        if now() < self.from_s:
            raise NoResponders("nobody")
        await asyncio.sleep(timeout_s)
        return [message(answer) for answer in self.answers]


@dataclass
class Scene:
    bus: FakeBus = field(default_factory=FakeBus)
    delivered: list[tuple[bytes, Instant | None]] = field(default_factory=list)

    @property
    def inbox(self) -> CommitteeInbox:
        return CommitteeInbox(cast(Bus, self.bus), COMMITTEE, lambda data, at: self.delivered.append((data, at)))


@pytest.mark.parametrize(
    ("header", "at"),
    [("1500000", 1.5), ("", None), ("soon", None), ("-3", None)],
    ids=["good", "none", "word", "minus"],
)
def test_messages_come_with_the_gateways_time(header: str, at: float | None) -> None:
    scene = Scene()

    async def scenario() -> None:
        async with scene.inbox.subscribed():
            (handler,) = scene.bus.handlers.values()
            await handler(message(b"content", {RECEIVED_HEADER: header} if header else {}))
        assert not scene.bus.handlers

    run(scenario)
    assert scene.delivered == [(b"content", at)]


def test_the_subjects_are_the_committees() -> None:
    scene = Scene()

    async def scenario() -> None:
        async with scene.inbox.subscribed():
            assert list(scene.bus.handlers) == [f"ssv.gossip.in.{COMMITTEE.hex()}"]
        await scene.inbox.replay()

    run(scenario)
    assert scene.bus.asked == [f"ssv.replay.{COMMITTEE.hex()}"]


def test_a_replay_is_the_union_over_gateways_each_in_order_of_time() -> None:
    scene = Scene(FakeBus([kept((b"b", 2), (b"a", 1)), b"\xff nonsense", kept((b"c", 3), (b"b", 2))]))
    assert run(scene.inbox.replay) == 4
    assert [data for data, _ in scene.delivered] == [b"a", b"b", b"b", b"c"]
    assert all(at is None for _, at in scene.delivered)


def test_a_replay_is_asked_for_again_until_a_gateway_answers() -> None:
    scene = Scene(FakeBus([kept((b"a", 1))], from_s=3.0))
    assert run(lambda: scene.inbox.replay_until(10.0, 0.5)) == 1
    assert len(scene.bus.asked) == 7


def test_a_replay_is_given_up() -> None:
    scene = Scene(FakeBus(from_s=100.0))
    assert run(lambda: scene.inbox.replay_until(10.0, 0.5)) == 0
    assert len(scene.bus.asked) == 20
