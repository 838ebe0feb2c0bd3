import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
from libs.ethereum.tests.execution_node import CHAIN_ID, CONTRACT, ExecutionNode, served

from ssv_ethereum.execution import errors
from ssv_ethereum.execution.node import ExecutionNode as Client
from ssv_protocol.types.ids import ExecutionAddress

ADDRESS = ExecutionAddress(CONTRACT)
T = TypeVar("T")


def asked(node: ExecutionNode, ask: Callable[[Client], Awaitable[T]]) -> T:
    async def run() -> T:
        async with served(node):
            client = Client(node.url)
            try:
                return await ask(client)
            finally:
                await client.close()

    return asyncio.run(run())


class Says(ExecutionNode):
    """A node that gives the same answer to everything."""

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__()
        self.says = answer

    def result(self, method: str, params: list[Any]) -> dict[str, Any]:
        return self.says


def test_chain_id_headers_and_code() -> None:
    node = ExecutionNode(finalized=4)
    assert asked(node, lambda client: client.chain_id()) == CHAIN_ID
    header = asked(node, lambda client: client.header(7))
    assert (header.number, header.hash, header.parent_hash) == (7, node.block_hash(7), node.block_hash(6))
    assert header.timestamp_s == 1_700_000_007
    assert asked(node, lambda client: client.header("latest")).number == 9
    assert asked(node, lambda client: client.header("finalized")).number == 4
    assert asked(node, lambda client: client.has_code(ADDRESS))
    assert not asked(Says({"result": "0x"}), lambda client: client.has_code(ADDRESS))


def test_a_block_that_is_not_there_is_said_to_be_unknown() -> None:
    with pytest.raises(errors.BlockUnknown):
        asked(ExecutionNode(), lambda client: client.header(10))


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


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        (-32005, "query returned more than 10000 results", errors.RangeTooLarge),
        (-32602, "Log response size exceeded", errors.RangeTooLarge),
        (-32000, "exceed maximum block range: 5000", errors.RangeTooLarge),
        (-32000, "block range is too wide", errors.RangeTooLarge),
        (-32000, "query timeout exceeded", errors.RangeTooLarge),
        (4444, "pruned history unavailable", errors.HistoryPruned),
        (-32000, "historical state abc is not available", errors.HistoryPruned),
        (-32000, "missing trie node 00", errors.HistoryPruned),
        (-32005, "rate limit exceeded", errors.ExecutionRefused),
        (429, "Too many requests", errors.ExecutionRefused),
        (-32601, "the method does not exist", errors.ExecutionRefused),
    ],
)
def test_what_nodes_say_is_told_apart(code: int, message: str, kind: type[Exception]) -> None:
    with pytest.raises(errors.ExecutionRefused) as caught:
        asked(Says({"error": {"code": code, "message": message}}), lambda client: client.logs(ADDRESS, 0, 9))
    assert type(caught.value) is kind
    assert message in str(caught.value)


ENTRY = ExecutionNode(log_indexes={3: [0]}).logs(3)[0]


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"result": 5},
        {"result": [{**ENTRY, "blockNumber": "0xff"}]},
        {"result": [{**ENTRY, "address": "0x" + "bb" * 20}]},
        {"result": [{**ENTRY, "data": "0xzz"}]},
        {"result": [{**ENTRY, "blockHash": "0x00"}]},
        {"result": [{**ENTRY, "logIndex": "zero"}]},
    ],
)
def test_logs_that_were_not_asked_for_are_no_answer(answer: dict[str, Any]) -> None:
    with pytest.raises(errors.ExecutionAnswerInvalid):
        asked(Says(answer), lambda client: client.logs(ADDRESS, 0, 9))


def test_a_header_of_another_block_is_no_answer() -> None:
    with pytest.raises(errors.ExecutionAnswerInvalid, match="header of block 3"):
        asked(Says({"result": ExecutionNode().header(3)}), lambda client: client.header(4))


def test_an_unavailable_node_is_named_without_its_token() -> None:
    node = ExecutionNode(unavailable=1)
    with pytest.raises(errors.ExecutionUnreachable, match="HTTP 503") as caught:
        asked(node, lambda client: client.chain_id())
    assert node.url.removesuffix("/access-token") in str(caught.value)
    assert "access-token" not in str(caught.value)


def test_an_unreachable_node_is_named() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]

        async def run() -> None:
            client = Client(f"http://127.0.0.1:{port}/token")
            try:
                await client.chain_id()
            finally:
                await client.close()

        with pytest.raises(errors.ExecutionUnreachable, match=f"http://127.0.0.1:{port}, eth_chainId") as caught:
            asyncio.run(run())
    assert "token" not in str(caught.value)
