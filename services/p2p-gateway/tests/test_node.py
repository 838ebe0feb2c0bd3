"""A node alone: what it is told last is what it does, however its tasks are scheduled."""

from __future__ import annotations

import asyncio

import pytest
from tests.support.gateway_stranger import stranger_at

pytestmark = pytest.mark.asyncio
NOBODY = "/ip4/127.0.0.1/tcp/1/p2p/16Uiu2HAkvnJQHja8graYSKZoZ37pnNybD3FnFLp3qDppYG6ZQXuL"


async def test_the_last_word_about_topics_holds() -> None:
    async with stranger_at(NOBODY, []) as stranger:
        for attempt in range(50):
            last = [f"ssv.v2.{attempt}"]
            await asyncio.gather(*map(stranger.node.listen_to, ([], ["ssv.v2.100"], last)))
            assert stranger.node.topics == last
