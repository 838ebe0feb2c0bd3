from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from ssv_p2p_gateway.own_publications import OwnPublications

TOPIC, DATA = "ssv.v2.1", b"message"
Sent = asyncio.Future[int]


def reached(sent: Sent) -> None:
    sent.set_result(3)


def reached_nobody(sent: Sent) -> None:
    sent.set_result(0)


def failed(sent: Sent) -> None:
    sent.set_exception(OSError("no socket"))


def cancelled(sent: Sent) -> None:
    sent.cancel()


def under_way(sent: Sent) -> None: ...


@pytest.mark.parametrize(
    ("end", "is_kept"),
    [(under_way, True), (reached, True), (reached_nobody, False), (failed, False), (cancelled, False)],
)
def test_what_may_have_reached_a_peer_is_not_sent_again(end: Callable[[Sent], None], is_kept: bool) -> None:
    async def scenario() -> None:
        own = OwnPublications()
        sent: Sent = asyncio.get_running_loop().create_future()
        own.add(TOPIC, DATA, sent)
        end(sent)
        assert own.of(TOPIC, DATA) is (sent if is_kept else None)
        assert own.of("ssv.v2.2", DATA) is None
        assert own.of(TOPIC, b"another") is None

    asyncio.run(scenario())


def test_the_oldest_is_forgotten() -> None:
    async def scenario() -> None:
        own = OwnPublications(limit=2)
        futures = [asyncio.get_running_loop().create_future() for _ in range(3)]
        for number, sent in enumerate(futures):
            own.add(TOPIC, bytes([number]), sent)
        assert [own.of(TOPIC, bytes([number])) for number in range(3)] == [None, *futures[1:]]

    asyncio.run(scenario())
