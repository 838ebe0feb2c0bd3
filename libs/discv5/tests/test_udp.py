"""Eight nodes on loopback sockets, with both protocol ids on one socket."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
import pytest_asyncio

from ssv_discv5 import LEGACY, SSV, Discovery, DiscoverySettings, PrivateKey, Record, endpoint_pairs
from ssv_discv5.errors import RequestFailedError
from ssv_discv5.overlay.overlay import OverlaySettings
from ssv_discv5.overlay.upkeep import UpkeepSettings
from ssv_discv5.rate_limit import Rate
from ssv_discv5.table.address_limits import AddressLimits
from ssv_discv5.table.table import TableSettings

pytestmark = pytest.mark.asyncio
PATIENCE_S = 60


async def node(
    bootnodes: tuple[Record, ...] = (),
    protocol_ids: tuple[bytes, ...] = (SSV, LEGACY),
    limits: AddressLimits | None = None,
) -> Discovery:
    settings = DiscoverySettings(
        protocol_ids=protocol_ids,
        bootnodes=bootnodes,
        per_address=Rate(1e4, 1e4),
        upkeep=UpkeepSettings(tick_s=0.02, first_refresh_s=0.2),
        overlay=OverlaySettings(table=TableSettings(addresses=limits or AddressLimits())),
        find_pause_s=0.1,
    )
    handlers = {b"echo": lambda peer, request: request}
    running = Discovery(PrivateKey(os.urandom(32)), 1, {b"ssv": b"\x01"}, settings, talk_handlers=handlers)
    running.update(endpoint_pairs(await running.start("127.0.0.1", 0)))
    return running


@pytest_asyncio.fixture
async def nodes() -> AsyncIterator[list[Discovery]]:
    boot = await node()
    others = [await node((boot.enr,)) for _ in range(6)]
    legacy = await node((boot.enr,), protocol_ids=(LEGACY,))
    running = [boot, *others, legacy]
    yield running
    for each in running:
        await each.close()


async def test_all_are_found_each_under_its_protocol_id(nodes: list[Discovery]) -> None:
    seeker, legacy = nodes[3], nodes[-1]
    wanted = {each.enr.node_id for each in nodes} - {seeker.enr.node_id}
    found = set()
    async with (
        asyncio.timeout(PATIENCE_S),
        aclosing(seeker.find(lambda record: record.get(b"ssv") == b"\x01")) as records,
    ):
        async for record in records:
            found.add(record.node_id)
            if found == wanted:
                break
    assert seeker.overlays[SSV].table.get(legacy.enr.node_id) is None
    with pytest.raises(RequestFailedError):
        await seeker.overlays[SSV].ping(legacy.enr)
    pong = await seeker.overlays[LEGACY].ping(legacy.enr)
    assert pong.recipient.port == seeker.enr.udp
    assert await seeker.overlays[LEGACY].talk(legacy.enr, b"echo", b"abc") == b"abc"
    assert await seeker.overlays[LEGACY].talk(legacy.enr, b"what", b"abc") == b""
    assert legacy.counts["dropped:another protocol id"] > 0


async def test_identities_of_one_address_are_limited_when_told_so(nodes: list[Discovery]) -> None:
    strict = await node((nodes[0].enr,), limits=AddressLimits(per_bucket=2, per_table=3, limit_local=True))
    for each in nodes[1:-1]:
        await each.overlays[SSV].ping(strict.enr)
    await strict.overlays[SSV].lookup(strict.enr.node_id)
    assert 1 <= len(strict.overlays[SSV].table) <= 3
    await strict.close()


async def test_closing_ends_what_is_under_way(nodes: list[Discovery]) -> None:
    gone = await node()
    await gone.close()
    closing = nodes[1]
    asking = asyncio.create_task(closing.overlays[SSV].ping(gone.enr))

    async def all_found() -> int:
        async with aclosing(closing.find(lambda record: True)) as records:
            return len([record async for record in records])

    finding = asyncio.create_task(all_found())
    await asyncio.sleep(0)
    await closing.close()
    with pytest.raises(RequestFailedError):
        await asking
    async with asyncio.timeout(PATIENCE_S):
        await finding
    with pytest.raises(RequestFailedError):
        await closing.overlays[SSV].ping(nodes[0].enr)
