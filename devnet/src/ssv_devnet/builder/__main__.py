"""Command line of the builder: `python -m ssv_devnet.builder --beacon-url URL --port P`.

It prints `READY port=…` once it answers. It ends when its standard input is closed, so that it never outlives the
process that started it, and on SIGTERM and SIGINT.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import logging
import secrets
import signal
import sys
import threading
import time

from aiohttp import web

from ssv_devnet.builder.api import builder_app
from ssv_devnet.builder.builder import Builder
from ssv_devnet.builder.registrations import RegistrationBook
from ssv_ethereum.beacon.http import BeaconHttp
from ssv_ethereum.beacon.node import BeaconNode
from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.crypto.bls import SecretKey
from ssvctl.supervisor.ports import LOOPBACK


def main() -> int:
    """Run until told to end; returns the exit code."""
    parser = argparse.ArgumentParser(prog="ssv_devnet.builder", description=__doc__)
    parser.add_argument("--beacon-url", required=True, help="gives the head and takes the full blocks")
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0 is any free one")
    parser.add_argument("--bid-every", type=int, default=1, help="bid in the last of so many slots; 2: in odd ones")
    arguments = parser.parse_args()
    if arguments.bid_every < 1:
        parser.error("--bid-every must be at least 1")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    asyncio.run(_run(arguments.beacon_url, arguments.port, arguments.bid_every))
    return 0


async def _run(beacon_url: str, port: int, bid_every: int) -> None:
    loop = asyncio.get_running_loop()
    serving = asyncio.create_task(_serve(beacon_url, port, bid_every))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, serving.cancel)
    threading.Thread(target=_until_closed, args=(loop, serving), daemon=True).start()
    await asyncio.wait({serving})
    if not serving.cancelled():
        serving.result()


async def _serve(beacon_url: str, port: int, bid_every: int) -> None:
    chain = await _described(beacon_url)
    registrations = RegistrationBook(chain, time.time)
    builder = Builder(chain, registrations, SecretKey.generate(secrets.token_bytes), bid_every)
    http = BeaconHttp(beacon_url)
    runner = web.AppRunner(builder_app(builder, http), shutdown_timeout=1)
    try:
        await runner.setup()
        await web.TCPSite(runner, LOOPBACK, port).start()
        sys.stdout.write(f"READY port={runner.addresses[0][1]}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()
        await http.close()


async def _described(beacon_url: str) -> BeaconChain:
    async with BeaconNode(beacon_url) as node:
        await node.status.wait_until_ready()
        return await node.chain.describe()


def _until_closed(loop: asyncio.AbstractEventLoop, serving: asyncio.Task[None]) -> None:
    """Cancel once standard input is closed; see the background validators about the descriptor."""
    for _ in io.FileIO(sys.stdin.fileno(), closefd=False):
        pass
    loop.call_soon_threadsafe(serving.cancel)


if __name__ == "__main__":
    sys.exit(main())
