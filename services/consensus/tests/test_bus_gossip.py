from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from libs.protocol.tests.signing.world import NETWORK, OPERATORS
from services.consensus.tests.fake_time import now, run

from ssv_api.v1.gateway_pb2 import PublishReply
from ssv_consensus.bus_gossip import REPEAT_S, BusGossip
from ssv_protocol.types.ids import Instant, MessageId, OperatorId, RsaSignature, Slot
from ssv_protocol.types.messages import SignedSSVMessage, SSVMessage
from ssv_protocol.validation.topology import topic_at
from ssv_runtime.bus import BusTimeout, BusUnavailable, Message, NoResponders

MESSAGE = SignedSSVMessage(
    (RsaSignature(bytes(256)),), (OperatorId(1),), SSVMessage(0, MessageId(bytes(56)), b"content"), b"value"
)
SLOT = Slot(3)
GOOD = PublishReply(peers=3)
Answer = PublishReply | Exception | None
"""None: nothing within the timeout."""


@dataclass
class FakeBus:
    answers: Callable[[int], Answer]
    asked: list[tuple[float, str, bytes]] = field(default_factory=list)

    async def request(self, subject: str, data: bytes, timeout_s: float) -> Message:
        self.asked.append((now(), subject, data))
        answer = self.answers(len(self.asked))
        if answer is None:
            await asyncio.sleep(timeout_s)
            raise BusTimeout("no answer")
        if isinstance(answer, Exception):
            raise answer

        async def respond(_reply: str, _data: bytes) -> None: ...

        return Message(subject, answer.SerializeToString(), {}, "", respond)


def publish(answers: Callable[[int], Answer], deadline: float = 10.0) -> tuple[bool, FakeBus, list[str | None]]:
    bus = FakeBus(answers)
    told: list[str | None] = []

    async def scenario() -> bool:
        gossip = BusGossip(bus, NETWORK, OPERATORS, now, told.append)
        return await gossip.publish(MESSAGE, SLOT, Instant(deadline))

    return run(scenario), bus, told


def test_one_request_on_the_topic_of_the_slot() -> None:
    taken, bus, told = publish(lambda _: GOOD)
    assert taken
    assert bus.asked == [(0.0, f"ssv.gossip.out.{topic_at(NETWORK, SLOT, OPERATORS)}", MESSAGE.encode())]
    assert told == [None]


@pytest.mark.parametrize(
    "trouble",
    [None, NoResponders("nobody"), BusUnavailable("away"), PublishReply(error="no_registry"), PublishReply(peers=0)],
    ids=["silence", "no responders", "no bus", "refused", "no peers"],
)
def test_the_same_message_is_repeated_until_somebody_takes_it(trouble: Answer) -> None:
    taken, bus, told = publish(lambda number: trouble if number < 4 else GOOD)
    assert taken
    assert [at for at, _, _ in bus.asked] == pytest.approx([0.0, REPEAT_S, 2 * REPEAT_S, 3 * REPEAT_S])
    assert len({(subject, data) for _, subject, data in bus.asked}) == 1
    assert all(told[:3])
    assert told[3:] == [None]


@pytest.mark.parametrize("trouble", [None, NoResponders("nobody")], ids=["silence", "no responders"])
def test_it_is_given_up_at_the_deadline(trouble: Answer) -> None:
    taken, bus, _ = publish(lambda _: trouble, deadline=1.05)
    assert not taken
    assert len(bus.asked) == 3
    assert bus.asked[-1][0] < 1.05


def test_after_the_deadline_nothing_is_asked() -> None:
    taken, bus, _ = publish(lambda _: GOOD, deadline=0.0)
    assert not taken
    assert not bus.asked
