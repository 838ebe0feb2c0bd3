"""The Go rival: one host of tests/interop/go-peer, go-libp2p and go-libp2p-pubsub as a Go SSV node sets them.

It decodes each message and verifies its RSA signature, and forwards it if that is good; the rules that need a registry,
duties and earlier messages it has not. Its CPU time is that of all its threads.
"""

from __future__ import annotations

import json
import os
import subprocess
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

from ssv_p2p_gateway.gossip.parameters import epoch_duration_s
from ssv_protocol.forks import Network
from ssv_protocol.registry.state import RegistryState
from ssv_protocol.types.ids import Slot

BINARY = Path(__file__).resolve().parents[2] / "build" / "go-peer"
TICKS = os.sysconf("SC_CLK_TCK")


def run_go(pipe: Pipe, network: Network, state: RegistryState, topic: str) -> None:
    """Run the peer; it ends with this process, which holds its input."""
    process = subprocess.Popen([BINARY], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def do(action: str, **arguments: object) -> Any:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"id": 1, "do": action, **arguments}).encode() + b"\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())["result"]

    opened = do(
        "open",
        listen="127.0.0.1",
        muxer="yamux",
        domain=f"0x{network.domain_at(Slot(0)).hex()}",
        slot_s=network.chain.slot_duration_s,
        epoch_s=epoch_duration_s(network.chain),
        by_address=False,
        topics={topic: 1000.0},
        operators={str(one): key.public_pem.decode() for one, key in state.operators.items() if key.public_pem},
    )
    pipe.send(opened["address"])
    while True:
        pipe.recv()
        report = do("report", peer=opened["peer"])
        pipe.send((report["delivered"], _cpu_s(process.pid), report["rejected"]))


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS
