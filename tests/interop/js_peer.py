"""The JavaScript peers as child processes: one request a line, one answer a line."""

import asyncio
import itertools
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

DISCV5 = Path(__file__).parent / "js-peer"
LIBP2P = Path(__file__).parent / "js-libp2p"
LINE = 1 << 20
NODE = Path(sys.executable).with_name("node")


def missing(folder: Path = DISCV5) -> str | None:
    """Return what to do before the peer of a folder can run, None when it can."""
    if not NODE.exists():
        return "node is not installed (make setup)"
    if not (folder / "node_modules").is_dir():
        return f"npm packages are missing (npm ci in tests/interop/{folder.name})"
    return None


class JsPeer:
    """A running peer; `first` is what it says of itself when it begins."""

    def __init__(self, process: asyncio.subprocess.Process, first: dict[str, str]) -> None:
        self.first = first
        self._process = process
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}

    @property
    def enr(self) -> str:
        """The record of a discv5 peer."""
        return self.first["enr"]

    @property
    def address(self) -> str:
        """The multiaddr of a libp2p peer."""
        return self.first["address"]

    async def do(self, action: str, **arguments: object) -> Any:
        """Have the peer do something and return the result; raises AssertionError with the peer's own error."""
        number = next(self._ids)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"id": number, "do": action, **arguments}).encode() + b"\n")
        return await asyncio.wait_for(answer, 20)

    async def listen(self) -> None:
        """Take answers until the process ends."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            answer = json.loads(line)
            waiting = self._waiting.pop(answer["id"])
            if "error" in answer:
                waiting.set_exception(AssertionError(answer["error"]))
            else:
                waiting.set_result(answer["result"])


@asynccontextmanager
async def js_peer(argument: str, folder: Path = DISCV5) -> AsyncIterator[JsPeer]:
    """Run the peer of a folder: of discv5 under a protocol id, of libp2p with a muxer."""
    process = await asyncio.create_subprocess_exec(
        NODE, folder / "main.mjs", argument, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=LINE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    listening = None
    try:
        first = await asyncio.wait_for(process.stdout.readline(), 30)
        peer = JsPeer(process, json.loads(first))
        listening = asyncio.create_task(peer.listen())
        yield peer
    finally:
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()
            await process.wait()
        if listening is not None:
            await listening
