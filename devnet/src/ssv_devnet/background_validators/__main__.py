"""Command line of the background validator client: `python -m ssv_devnet.background_validators --beacon-url URL`.

It listens on its standard input for `release <indices> <epoch>` and ends when that is closed, so it never outlives
the process that started it; it ends on SIGTERM and SIGINT too.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import logging
import signal
import sys
import threading

from ssv_devnet.background_validators.client import run
from ssv_devnet.background_validators.crew import Crew
from ssv_devnet.background_validators.duty_book import DutyBook
from ssv_devnet.background_validators.handover import Handover, parse_indices, parse_release
from ssv_devnet.background_validators.keyring import Keyring
from ssv_ethereum.beacon.node import BeaconNode
from ssv_ethereum.slot_clock import SlotClock
from ssv_protocol.types.ids import Epoch

_log = logging.getLogger("ssv_devnet.background_validators")


def main() -> int:
    """Run until told to end; returns the exit code."""
    parser = argparse.ArgumentParser(prog="ssv_devnet.background_validators", description=__doc__)
    parser.add_argument("--beacon-url", required=True)
    parser.add_argument("--validators", type=int, default=256, help="number of genesis validators (interop keys)")
    parser.add_argument("--exclude", type=parse_indices, default=(), help="validators given to SSV: 3,16-31")
    parser.add_argument("--exclude-from-epoch", type=int, default=0, help="until then they are run here")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    handover = Handover()
    handover.release(arguments.exclude, Epoch(arguments.exclude_from_epoch))
    return asyncio.run(_run(arguments.beacon_url, Keyring(arguments.validators), handover))


async def _run(beacon_url: str, keyring: Keyring, handover: Handover) -> int:
    loop = asyncio.get_running_loop()
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    threading.Thread(target=_listen, args=(loop, handover, ending), daemon=True).start()
    working = asyncio.create_task(_work(beacon_url, keyring, handover))
    waiting = asyncio.create_task(ending.wait())
    await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if working.done():
        waiting.cancel()
        return working.result()
    working.cancel()
    await asyncio.wait({working})
    return 0


async def _work(beacon_url: str, keyring: Keyring, handover: Handover) -> int:
    async with BeaconNode(beacon_url) as node:
        await node.status.wait_until_ready()
        chain = await node.chain.describe()
        pubkeys = keyring.pubkeys()
        known = await node.validators.by_pubkey(list(pubkeys.values()))
        strangers = [index for index, key in pubkeys.items() if key not in known or known[key].index != index]
        if strangers:
            _log.error("%s does not have the interop keys of validators %s…", node.endpoint, strangers[:5])
            return 1
        _log.info("running %d validators, slots of %s s", len(pubkeys), chain.slot_duration_s)
        duties = DutyBook(node, chain, keyring.indices())
        await run(Crew(node, chain, keyring, duties, handover), SlotClock(chain))
    return 0


def _listen(loop: asyncio.AbstractEventLoop, handover: Handover, ending: asyncio.Event) -> None:
    """Obey commands until standard input is closed; in a thread, since it may be a pipe, a file or a terminal.

    It reads the descriptor itself: `sys.stdin` has a lock that a thread waiting in it would hold when Python ends.
    """
    for line in io.FileIO(sys.stdin.fileno(), closefd=False):
        try:
            indices, from_epoch = parse_release(line.decode(errors="replace"))
        except ValueError as error:
            _log.warning("command not understood: %s", error)
            continue
        loop.call_soon_threadsafe(handover.release, indices, from_epoch)
        _log.info("released %d validators from epoch %d on", len(indices), from_epoch)
    loop.call_soon_threadsafe(ending.set)


if __name__ == "__main__":
    sys.exit(main())
