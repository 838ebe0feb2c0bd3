"""One execution node over JSON-RPC: chain id, headers, code, logs as the registry takes them.

Every call is one request with a time limit, and raises ExecutionError; whoever asks decides what to do then
(`pool.py`). Invariants: a header is of the block that was asked for; logs are of the contract and the range that were
asked for, in chain order.
Not guaranteed: that two calls see the same chain.

Source: execution-apis (eth_chainId, eth_getBlockByNumber, eth_getCode, eth_getLogs).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import aiohttp
import msgspec

from ssv_ethereum.beacon.errors import shown_endpoint
from ssv_ethereum.execution.errors import (
    BlockUnknown,
    ExecutionAnswerInvalid,
    ExecutionTimeout,
    ExecutionUnreachable,
    refusal,
)
from ssv_protocol.registry.log import Log
from ssv_protocol.types.ids import ExecutionAddress

REQUEST_TIMEOUT_S = 10.0
_SHOWN_CHARACTERS = 200
_HTTP_OK = 200

Tag = Literal["latest", "finalized", "earliest"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BlockHeader:
    """What is needed of a block's header. `timestamp_s` is Unix time."""

    number: int
    hash: bytes
    parent_hash: bytes
    timestamp_s: int


class _Error(msgspec.Struct):
    code: int = 0
    message: str = ""


class _Header(msgspec.Struct, rename="camel"):
    number: str
    hash: str
    parent_hash: str
    timestamp: str


class _Log(msgspec.Struct, rename="camel"):
    address: str
    topics: list[str]
    data: str
    block_number: str
    block_hash: str
    log_index: str
    removed: bool = False


class _HeaderAnswer(msgspec.Struct):
    result: _Header | None = None
    error: _Error | None = None


class _LogsAnswer(msgspec.Struct):
    result: list[_Log] | None = None
    error: _Error | None = None


class _TextAnswer(msgspec.Struct):
    result: str | None = None
    error: _Error | None = None


class ExecutionNode:
    """The execution node at `url` (HTTP or HTTPS); `close` it."""

    def __init__(self, url: str, request_timeout_s: float = REQUEST_TIMEOUT_S) -> None:
        self.endpoint = shown_endpoint(url)
        self._url = url
        self._timeout = aiohttp.ClientTimeout(total=request_timeout_s)
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    async def chain_id(self) -> int:
        """Return the id of the chain that the node follows."""
        return self._number("eth_chainId", await self._text("eth_chainId", []))

    async def header(self, block: int | Tag) -> BlockHeader:
        """Return the header of a block of the node's chain; raises BlockUnknown when it has none."""
        request = f"eth_getBlockByNumber({block})"
        asked = hex(block) if isinstance(block, int) else block
        answer = await self._ask(request, "eth_getBlockByNumber", [asked, False], _HeaderAnswer)
        if answer.result is None:
            raise BlockUnknown(self.endpoint, request, "there is no such block")
        raw = answer.result
        try:
            header = BlockHeader(_int(raw.number), _hash(raw.hash), _hash(raw.parent_hash), _int(raw.timestamp))
        except ValueError:
            raise ExecutionAnswerInvalid(self.endpoint, request, "no block header") from None
        if isinstance(block, int) and header.number != block:
            raise ExecutionAnswerInvalid(self.endpoint, request, f"header of block {header.number}")
        return header

    async def has_code(self, address: ExecutionAddress) -> bool:
        """Return whether there is a contract at `address` by now."""
        return len(await self._text("eth_getCode", [_hex(address), "latest"])) > len("0x")

    async def logs(self, address: ExecutionAddress, from_block: int, to_block: int) -> list[Log]:
        """Return the logs of a contract in blocks `from_block` to `to_block`, both included, in chain order.

        Raises RangeTooLarge, HistoryPruned besides the errors of every request.
        """
        request = f"eth_getLogs({from_block} to {to_block})"
        wanted = {"address": _hex(address), "fromBlock": hex(from_block), "toBlock": hex(to_block)}
        answer = await self._ask(request, "eth_getLogs", [wanted], _LogsAnswer)
        if answer.result is None:
            raise ExecutionAnswerInvalid(self.endpoint, request, "no list of logs")
        try:
            logs = [_log(entry) for entry in answer.result if not entry.removed]
        except ValueError:
            raise ExecutionAnswerInvalid(self.endpoint, request, "a log that cannot be read") from None
        if any(log.address != address or not from_block <= log.block_number <= to_block for log in logs):
            raise ExecutionAnswerInvalid(self.endpoint, request, "logs that were not asked for")
        return sorted(logs, key=lambda log: (log.block_number, log.log_index))

    async def _text(self, method: str, params: list[Any]) -> str:
        answer = await self._ask(method, method, params, _TextAnswer)
        if answer.result is None:
            raise ExecutionAnswerInvalid(self.endpoint, method, "no result")
        return answer.result

    async def _ask(self, request: str, method: str, params: list[Any], kind: type[T]) -> T:
        body = msgspec.json.encode({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=self._timeout, headers={"Content-Type": "application/json"}, auto_decompress=True
            )
        try:
            async with self._session.post(self._url, data=body) as response:
                status, raw = response.status, await response.read()
        except TimeoutError:
            raise ExecutionTimeout(self.endpoint, request, "no answer in time") from None
        except (aiohttp.ClientError, OSError) as error:
            raise ExecutionUnreachable(self.endpoint, request, _problem(error)) from None
        try:
            answer = msgspec.json.decode(raw, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            if status != _HTTP_OK:
                raise ExecutionUnreachable(self.endpoint, request, f"HTTP {status}") from None
            raise ExecutionAnswerInvalid(self.endpoint, request, "no JSON-RPC answer") from None
        error_of_node: _Error | None = getattr(answer, "error")  # noqa: B009 (all kinds have it)
        if error_of_node is not None:
            message = " ".join(error_of_node.message.split())[:_SHOWN_CHARACTERS]
            raise refusal(self.endpoint, request, error_of_node.code, message)
        if status != _HTTP_OK:
            raise ExecutionUnreachable(self.endpoint, request, f"HTTP {status}")
        return answer

    def _number(self, request: str, text: str) -> int:
        try:
            return _int(text)
        except ValueError:
            raise ExecutionAnswerInvalid(self.endpoint, request, "no number") from None


def _problem(error: Exception) -> str:
    """Name the failure without the URL, which the texts of some of these errors hold."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__


def _log(entry: _Log) -> Log:
    return Log(
        _int(entry.block_number),
        _hash(entry.block_hash),
        _int(entry.log_index),
        ExecutionAddress(_bytes(entry.address)),
        tuple(_bytes(topic) for topic in entry.topics),
        _bytes(entry.data),
    )


def _int(text: str) -> int:
    if not text.startswith("0x"):
        raise ValueError("no number")
    return int(text, 16)


def _bytes(text: str) -> bytes:
    if not text.startswith("0x"):
        raise ValueError("no bytes")
    return bytes.fromhex(text[2:])


def _hash(text: str) -> bytes:
    value = _bytes(text)
    if len(value) != 32:
        raise ValueError("no hash")
    return value


def _hex(address: bytes) -> str:
    return "0x" + address.hex()
