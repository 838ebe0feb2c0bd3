"""One execution node over HTTP: chain id, head, headers, logs as the registry takes them.

Every call repeats itself with back-off until the node answers, and says so once in the log, with the remedy; a
caller that can't wait that long cancels it. Nothing here ends the process.
Not guaranteed: that two calls see the same chain (see `registry_blocks.py`).

Source: execution-apis (eth_chainId, eth_blockNumber, eth_getBlockByNumber, eth_getLogs).
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import aiohttp
from eth_utils.address import to_checksum_address
from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.exceptions import RequestTimedOut, Web3Exception, Web3RPCError
from web3.types import LogReceipt

from ssv_ethereum.backoff import Backoff, Sleep
from ssv_ethereum.beacon.errors import shown_endpoint
from ssv_protocol.registry.log import Log
from ssv_protocol.types.ids import ExecutionAddress

logger = logging.getLogger(__name__)

REQUEST_TIMEOUT_S = 10.0
_SHOWN_CHARACTERS = 200
_NO_ANSWER = (aiohttp.ClientError, OSError, TimeoutError, json.JSONDecodeError, Web3Exception)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BlockHeader:
    """What is needed of a block's header. `timestamp_s` is Unix time."""

    number: int
    hash: bytes
    parent_hash: bytes
    timestamp_s: int


class ExecutionClient:
    """The execution node at `url` (HTTP or HTTPS). Use as an async context manager, or `close` it.

    `report` is told None when the node answers and in words what is wrong when it does not; it may be told the same
    again.
    """

    def __init__(
        self,
        url: str,
        request_timeout_s: float = REQUEST_TIMEOUT_S,
        sleep: Sleep = asyncio.sleep,
        report: Callable[[str | None], None] = lambda _: None,
    ) -> None:
        self.endpoint = shown_endpoint(url)
        self._sleep = sleep
        self._report = report
        timeout = aiohttp.ClientTimeout(total=request_timeout_s)
        # our own back-off: the provider's gives up after some attempts
        self._provider = AsyncHTTPProvider(url, {"timeout": timeout}, exception_retry_configuration=None)
        self._eth = AsyncWeb3(self._provider).eth

    async def __aenter__(self) -> ExecutionClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._provider.disconnect()

    async def chain_id(self) -> int:
        """Return the id of the chain that the node follows."""

        async def ask() -> int:
            return await self._eth.chain_id

        return await self._until_answered("eth_chainId", ask)

    async def head(self) -> int:
        """Return the number of the newest block."""

        async def ask() -> int:
            return await self._eth.block_number

        return await self._until_answered("eth_blockNumber", ask)

    async def header(self, number: int) -> BlockHeader:
        """Return the header of block `number` of the node's chain; waits until there is one."""

        async def ask() -> BlockHeader:
            block = await self._eth.get_block(number)
            return BlockHeader(block["number"], bytes(block["hash"]), bytes(block["parentHash"]), block["timestamp"])

        return await self._until_answered(f"eth_getBlockByNumber({number})", ask)

    async def logs(self, address: ExecutionAddress, from_block: int, to_block: int) -> list[Log]:
        """Return the logs of a contract in blocks `from_block` to `to_block`, both included, in chain order.

        A range that the node refuses, usually because it holds too many logs, is asked for in halves.
        """

        async def ask() -> list[LogReceipt] | None:
            try:
                return await self._eth.get_logs(
                    {"address": to_checksum_address(address), "fromBlock": from_block, "toBlock": to_block}
                )
            except Web3RPCError as error:
                if from_block == to_block or isinstance(error, RequestTimedOut):
                    raise
                return None

        answer = await self._until_answered(f"eth_getLogs({from_block} to {to_block})", ask)
        if answer is None:
            middle = (from_block + to_block) // 2
            first = await self.logs(address, from_block, middle)
            return first + await self.logs(address, middle + 1, to_block)
        logs = [_log(receipt) for receipt in answer if not receipt.get("removed")]
        return sorted(logs, key=lambda log: (log.block_number, log.log_index))

    async def _until_answered(self, request: str, ask: Callable[[], Awaitable[T]]) -> T:
        backoff = Backoff(sleep=self._sleep)
        warned = False
        while True:
            try:
                answer = await ask()
            except _NO_ANSWER as error:
                self._report(f"execution node {self.endpoint}, {request}: {_problem(error)}")
                if not warned:
                    logger.warning(
                        "execution node %s, %s: %s. Check that it runs, is synced and that the URL is right; retrying.",
                        self.endpoint,
                        request,
                        _problem(error),
                    )
                    warned = True
                await backoff.pause()
                continue
            self._report(None)
            if warned:
                logger.info("execution node %s answers again", self.endpoint)
            return answer


def _problem(error: Exception) -> str:
    """Name the failure without the URL, which the texts of some of these errors hold."""
    if isinstance(error, aiohttp.ClientResponseError):
        return f"HTTP {error.status}"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, Web3RPCError):
        return " ".join(str(error).split())[:_SHOWN_CHARACTERS]
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__


def _log(receipt: LogReceipt) -> Log:
    return Log(
        receipt["blockNumber"],
        bytes(receipt["blockHash"]),
        receipt["logIndex"],
        ExecutionAddress(bytes.fromhex(receipt["address"].removeprefix("0x"))),
        tuple(bytes(topic) for topic in receipt["topics"]),
        bytes(receipt["data"]),
    )
