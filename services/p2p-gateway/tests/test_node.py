"""A node alone: what it is told last is what it does."""

from __future__ import annotations

import pytest
from tests.support.gateway_stranger import stranger_at

pytestmark = pytest.mark.asyncio
NOBODY = "/ip4/127.0.0.1/tcp/1/p2p/16Uiu2HAkvnJQHja8graYSKZoZ37pnNybD3FnFLp3qDppYG6ZQXuL"


async def test_the_last_word_about_topics_holds() -> None:
    async with stranger_at(NOBODY, []) as stranger:
        for topics in ([], ["ssv.v2.100", "ssv.v2.7"], ["ssv.v2.7"]):
            stranger.node.listen_to(topics)
            assert stranger.node.topics == sorted(topics)
