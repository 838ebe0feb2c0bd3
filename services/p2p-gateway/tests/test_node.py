"""A node alone: what it is told last is what it does."""

from __future__ import annotations

import asyncio

import pytest
from tests.support.gateway_stranger import stranger_at

from ssv_p2p_gateway.addresses import peer_address

pytestmark = pytest.mark.asyncio
NOBODY = "/ip4/127.0.0.1/tcp/1/p2p/16Uiu2HAkvnJQHja8graYSKZoZ37pnNybD3FnFLp3qDppYG6ZQXuL"


async def test_the_last_word_about_topics_holds() -> None:
    async with stranger_at(NOBODY, []) as stranger:
        for topics in ([], ["ssv.v2.100", "ssv.v2.7"], ["ssv.v2.7"]):
            stranger.node.listen_to(topics)
            assert stranger.node.topics == sorted(topics)


async def test_what_is_asked_of_a_node_that_ends_is_left_undone() -> None:
    reached = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        async with stranger_at(NOBODY, []) as stranger:
            peer = peer_address(NOBODY.replace("/tcp/1/", f"/tcp/{port}/"))
            dial = asyncio.create_task(stranger.node.dial([peer]))
            await reached.wait()
        assert await asyncio.wait_for(dial, 20) == {}  # whoever asked goes on
        assert await stranger.node.dial([peer]) == {}
        await stranger.node.keep_connected([peer])
