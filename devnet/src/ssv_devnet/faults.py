"""What may be wrong with a node behind a `Proxy`, beacon or execution node alike.

Each is a function of a call and of the way on. Where a fault says that an answer is wrong, the rest of it is the real
node's.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from ssv_devnet.proxy import Call, Cut, Forward, Reply

_ERROR = 500
_OK = 200


@dataclass(frozen=True, slots=True)
class Delay:
    """Every answer comes so much later."""

    seconds: float
    cuts_streams: bool = False

    async def __call__(self, call: Call, forward: Forward) -> Reply:
        """See `Fault`."""
        await asyncio.sleep(self.seconds)
        return await forward(call)


@dataclass(frozen=True, slots=True)
class Hang:
    """No answer ever comes."""

    cuts_streams: bool = True

    async def __call__(self, call: Call, forward: Forward) -> Reply:
        """See `Fault`."""
        await asyncio.Event().wait()
        raise Cut


@dataclass(frozen=True, slots=True)
class ServerError:
    """Every answer is HTTP 500."""

    cuts_streams: bool = True

    async def __call__(self, call: Call, forward: Forward) -> Reply:
        """See `Fault`."""
        return _json(_ERROR, {"code": _ERROR, "message": "made to fail"})


@dataclass(frozen=True, slots=True)
class Reset:
    """Connections are reset before an answer."""

    cuts_streams: bool = True

    async def __call__(self, call: Call, forward: Forward) -> Reply:
        """See `Fault`."""
        raise Cut


@dataclass(frozen=True, slots=True)
class CutOff:
    """The connection ends after half of each answer's body."""

    cuts_streams: bool = True

    async def __call__(self, call: Call, forward: Forward) -> Reply:
        """See `Fault`."""
        raise Cut(await forward(call))


@dataclass(frozen=True, slots=True)
class Halved:
    """Each answer's body is half of what it must be, and passes for whole by its length."""

    cuts_streams: bool = True

    async def __call__(self, call: Call, forward: Forward) -> Reply:
        """See `Fault`."""
        reply = await forward(call)
        return replace(reply, body=reply.body[: len(reply.body) // 2])


@dataclass(frozen=True, slots=True)
class Nonsense:
    """Every answer is JSON that means nothing."""

    cuts_streams: bool = True

    async def __call__(self, call: Call, forward: Forward) -> Reply:
        """See `Fault`."""
        return _json(_OK, {"data": "nonsense"})


@dataclass(frozen=True, slots=True)
class Swallowed:
    """What is posted to `paths` never arrives, though the answer says that it did."""

    paths: Collection[str]
    cuts_streams: bool = False

    async def __call__(self, call: Call, forward: Forward) -> Reply:
        """See `Fault`."""
        if call.method == "POST" and call.path in self.paths:
            return Reply(_OK)
        return await forward(call)


@dataclass(frozen=True, slots=True)
class Rewritten:
    """The JSON answers to `paths` are changed by a function of their `data`."""

    paths: dict[str, Callable[[Any], Any]]
    cuts_streams: bool = False

    async def __call__(self, call: Call, forward: Forward) -> Reply:
        """See `Fault`."""
        reply = await forward(call)
        change = self.paths.get(call.path)
        if change is None or reply.status != _OK:
            return reply
        content = json.loads(reply.body)
        return _json(_OK, content | {"data": change(content["data"])})


def another_chain() -> Rewritten:
    """Return the fault of a beacon node that is of a chain with another genesis and other forks."""
    return Rewritten({
        "/eth/v1/beacon/genesis": lambda data: data | {"genesis_validators_root": f"0x{'5a' * 32}"},
        "/eth/v1/config/spec": lambda data: data | {"GENESIS_FORK_VERSION": "0x5a5a5a5a"},
    })  # fmt: skip


@dataclass(slots=True)
class OtherBlocks:
    """An execution node that has other blocks than the rest, from number `first` on, and no logs in them."""

    first: int
    cuts_streams: bool = False

    async def __call__(self, call: Call, forward: Forward) -> Reply:
        """See `Fault`."""
        asked, reply = json.loads(call.body), await forward(call)
        answer = json.loads(reply.body)
        if answer.get("result") is not None:
            answer["result"] = self._lie(asked["method"], answer["result"])
        return _json(reply.status, answer)

    def _lie(self, method: str, result: Any) -> Any:
        if method == "eth_getLogs":
            return [log for log in result if int(log["blockNumber"], 16) < self.first]
        if method == "eth_getBlockByNumber":
            number = int(result["number"], 16)
            for key, of in (("hash", number), ("parentHash", number - 1)):
                if of >= self.first:
                    result[key] = "0x" + sha256(result[key].encode()).hexdigest()
        return result


@dataclass(slots=True)
class StingyProvider:
    """An execution node that refuses logs of many blocks at once and cuts every so many-th request off."""

    largest_range: int = 1_000_000
    drops_every: int = 0
    cuts_streams: bool = False
    _asked: int = field(default=0, init=False)

    async def __call__(self, call: Call, forward: Forward) -> Reply:
        """See `Fault`."""
        self._asked += 1
        if self.drops_every and self._asked % self.drops_every == 0:
            raise Cut
        asked = json.loads(call.body)
        if asked["method"] == "eth_getLogs":
            wanted = asked["params"][0]
            if int(wanted["toBlock"], 16) - int(wanted["fromBlock"], 16) >= self.largest_range:
                refusal = {"code": -32005, "message": "query returned more than 10000 results"}
                return _json(_OK, {"jsonrpc": "2.0", "id": asked["id"], "error": refusal})
        return await forward(call)


def _json(status: int, content: Any) -> Reply:
    return Reply(status, {"Content-Type": "application/json"}, json.dumps(content).encode())
