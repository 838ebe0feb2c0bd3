import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
from libs.ethereum.tests.execution_node import CHAIN_ID, CONTRACT, ExecutionNode, Pauses, served

from ssv_ethereum.execution import ExecutionClient
from ssv_protocol.types.ids import ExecutionAddress

ADDRESS = ExecutionAddress(CONTRACT)
T = TypeVar("T")


def asked(node: ExecutionNode, ask: Callable[[ExecutionClient], Awaitable[T]]) -> T:
    async def run() -> T:
        async with served(node), ExecutionClient(node.url, sleep=Pauses()) as client:
            return await ask(client)

    return asyncio.run(run())


def test_chain_id_head_and_header() -> None:
    node = ExecutionNode()
    assert asked(node, lambda client: client.chain_id()) == CHAIN_ID
    assert asked(node, lambda client: client.head()) == 9
    header = asked(node, lambda client: client.header(7))
    assert (header.number, header.hash, header.parent_hash) == (7, node.block_hash(7), node.block_hash(6))
    assert header.timestamp_s == 1_700_000_007


def test_logs_come_in_chain_order_as_plain_bytes() -> None:
    node = ExecutionNode(log_indexes={3: [2, 0, 1], 5: [4]})
    logs = asked(node, lambda client: client.logs(ADDRESS, 0, 9))
    assert [(log.block_number, log.log_index, log.data) for log in logs] == [
        (3, 0, b"\x03\x00"),
        (3, 1, b"\x03\x01"),
        (3, 2, b"\x03\x02"),
        (5, 4, b"\x05\x04"),
    ]
    assert logs[0].block_hash == node.block_hash(3)
    assert logs[0].address == ADDRESS
    assert logs[0].topics == (b"\x01" * 32,)


def test_removed_logs_are_dropped() -> None:
    node = ExecutionNode(log_indexes={3: [0], 4: [0]}, removed={3})
    logs = asked(node, lambda client: client.logs(ADDRESS, 0, 9))
    assert [log.block_number for log in logs] == [4]


@pytest.mark.parametrize("largest_range", [1, 3])
def test_a_range_that_the_node_refuses_is_asked_for_in_halves(largest_range: int) -> None:
    node = ExecutionNode(log_indexes={number: [0] for number in range(10)}, largest_range=largest_range)
    logs = asked(node, lambda client: client.logs(ADDRESS, 0, 9))
    assert [log.block_number for log in logs] == list(range(10))


def test_an_unavailable_node_is_asked_again_and_named_without_its_token(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "ssv_ethereum")
    node = ExecutionNode(unavailable=5)
    assert asked(node, lambda client: client.chain_id()) == CHAIN_ID
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    text = caplog.text
    assert node.url.removesuffix("/access-token") in text
    assert "access-token" not in text
    assert "HTTP 503" in text


def test_an_unreachable_node_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        pauses = 0
        enough = asyncio.Event()

        async def count(_seconds: float) -> None:
            nonlocal pauses
            pauses += 1
            if pauses == 3:
                enough.set()
            await asyncio.sleep(0)

        async def run() -> None:
            async with ExecutionClient(f"http://127.0.0.1:{port}", sleep=count) as client:
                asking = asyncio.create_task(client.head())
                await enough.wait()
                assert not asking.done()
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)

        asyncio.run(run())
    (record,) = caplog.records
    assert f"http://127.0.0.1:{port}" in record.getMessage()
    assert "Check that it runs" in record.getMessage()


def test_it_reports_whether_the_node_answers_without_its_token() -> None:
    node = ExecutionNode(unavailable=2)
    reports: list[str | None] = []

    async def run() -> None:
        async with served(node), ExecutionClient(node.url, sleep=Pauses(), report=reports.append) as client:
            await client.head()

    asyncio.run(run())
    assert [report is None for report in reports] == [False, False, True]
    assert reports[0] is not None
    assert "HTTP 503" in reports[0]
    assert "access-token" not in reports[0]
