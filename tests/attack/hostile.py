"""The hostile peer's process.

    python -m tests.attack.hostile < job.json

The job names an attack and what it needs; a line with the peer id comes back when it is connected, another one with
what it saw when it is over, and it stays connected until its input ends. It dials from its own address on loopback.
"""

from __future__ import annotations

import json
import sys
from functools import partial

import trio

from ssv_p2p_gateway.host import quiet_library
from tests.attack.attacks import ATTACKS
from tests.attack.peer import Peer

CONNECT_S = 20.0


async def main() -> None:
    """Do the job."""
    quiet_library()
    job = json.loads(sys.stdin.readline())
    trio.open_tcp_stream = partial(trio.open_tcp_stream, local_address=job["from"])
    async with trio.open_nursery() as nursery:
        peer = Peer(job, nursery)
        with trio.fail_after(CONNECT_S):
            await nursery.start(peer.run)
        print(json.dumps({"peer_id": peer.peer_id}), flush=True)
        error = ""
        with trio.move_on_after(float(job["seconds"])):
            try:
                await ATTACKS[job["attack"]](peer)
            except Exception as failure:  # whatever the library raises when the gateway hangs up
                error = repr(failure)
        most = max(peer.heard.values(), default=0)
        print(json.dumps({"most_copies": most, "asked": peer.asked, "error": error}), flush=True)
        await trio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True)  # type: ignore[call-arg]
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(main)
