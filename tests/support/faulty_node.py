"""A beacon node over real HTTP that says what it is told to, and fails as it is told to."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from ssv_devnet.faults import CutOff, Halved, Hang, Nonsense, Reset, ServerError
from ssv_devnet.proxy import Call, Cut, Forward, Reply, running_proxy
from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.types.ids import Root
from tests.support.beacon_spec import spec_of

_ABOUT_ITSELF = ("/eth/v1/node/", "/eth/v1/beacon/genesis", "/eth/v1/config/spec")


class Fault(Enum):
    """What may be wrong with a node's answers."""

    HANG = Hang()
    ERROR = ServerError()
    RESET = Reset()
    CUT_OFF = CutOff()
    HALVED = Halved()
    NONSENSE = Nonsense()


@dataclass
class FaultyNode:
    """`answers` by path; `fault` holds for all that is not about the node itself, `away` for everything."""

    chain: BeaconChain
    answers: dict[str, Any] = field(default_factory=dict)
    refusals: dict[str, list[int]] = field(default_factory=dict)
    """Places of the refused items of a batch, by path."""
    fault: Fault | None = None
    away: bool = False
    head_slot: int = 1
    is_syncing: bool = False
    is_optimistic: bool = False
    sync_distance: int = 0
    requests: Counter[str] = field(default_factory=Counter)
    began: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""
    cuts_streams: bool = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[FaultyNode]:
        """Answer at `url` inside the block."""
        async with running_proxy(_Sayings(self)) as proxy:
            proxy.fault = self
            self.requests = proxy.requests
            self.url = proxy.url
            yield self

    def __hash__(self) -> int:
        return id(self)

    async def __call__(self, call: Call, forward: Forward) -> Reply:
        """Fail, or let the answer through."""
        if self.away:
            return Reply(502)
        if call.path.startswith(_ABOUT_ITSELF):
            return _said(200, {"data": self._itself(call.path.rpartition("/")[2])})
        self.began.set()
        return await (forward(call) if self.fault is None else self.fault.value(call, forward))

    def _itself(self, what: str) -> Any:
        return {
            "version": {"version": "faulty/1"},
            "genesis": {
                "genesis_time": str(self.chain.genesis_time_s),
                "genesis_validators_root": "0x" + self.chain.genesis_validators_root.hex(),
                "genesis_fork_version": "0x" + self.chain.forks[0].version.hex(),
            },
            "syncing": {
                "head_slot": str(self.head_slot),
                "sync_distance": str(self.sync_distance),
                "is_syncing": self.is_syncing,
                "is_optimistic": self.is_optimistic,
                "el_offline": False,
            },
            "spec": spec_of(self.chain),
        }[what]


@dataclass(frozen=True, slots=True)
class _Sayings:
    """What the node says when it does not fail."""

    node: FaultyNode

    @property
    def url(self) -> str:
        raise Cut  # it has no events

    async def __call__(self, call: Call) -> Reply:
        if call.path in self.node.refusals:
            failures = [{"index": place, "message": "no"} for place in self.node.refusals[call.path]]
            return _said(400, {"code": 400, "message": "some refused", "failures": failures})
        if call.path in self.node.answers:
            return _said(200, self.node.answers[call.path])
        if call.method == "POST":
            return Reply(200)
        return _said(404, {"code": 404, "message": "unknown"})


def _said(status: int, content: Any) -> Reply:
    return Reply(status, {"Content-Type": "application/json"}, json.dumps(content).encode())


def block_root(number: int) -> Root:
    """Return a root that stands for a block."""
    return Root(bytes([number]) * 32)
