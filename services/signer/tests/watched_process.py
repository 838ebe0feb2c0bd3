"""Runs `python -m ssv_signer` and tells, as JSON on standard output, what of it reaches out of the process.

A line for each line on standard input: the connections that it opened itself, by remote address. A last one when it
ends: the audit events of dialling and of starting programs, the modules that were imported, and whether the kernel may
write a core.
"""

from __future__ import annotations

import atexit
import ctypes
import json
import os
import resource
import runpy
import sys
import threading
from pathlib import Path
from typing import Any

OUTWARDS = (
    "socket.connect",
    "socket.sendto",
    "socket.sendmsg",
    "socket.getaddrinfo",
    "socket.gethostbyname",
    "http.client.connect",
    "urllib.Request",
    "ftplib.connect",
    "smtplib.connect",
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
)
_LISTENING, _NOBODY = "0A", "0000"
_PR_GET_DUMPABLE = 3


def outgoing() -> list[str]:
    """Return the remote ends of this process's sockets, but for those that others opened to a port it listens on."""
    own = set()
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            own.add(os.readlink(f"/proc/self/fd/{descriptor}"))
        except OSError:  # the one that the folder was listed with
            continue
    rows = []
    for table in ("tcp", "tcp6", "udp", "udp6"):
        path = Path("/proc/self/net") / table
        lines = path.read_text().splitlines()[1:] if path.exists() else []
        rows += [fields for fields in map(str.split, lines) if f"socket:[{fields[9]}]" in own]
    listening = {local.rpartition(":")[2] for _, local, _, state, *_ in rows if state == _LISTENING}
    return [
        remote
        for _, local, remote, *_ in rows
        if local.rpartition(":")[2] not in listening and remote.rpartition(":")[2] != _NOBODY
    ]


def say(value: object) -> None:
    """Write a line of JSON."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Watch and run; the arguments are the signer's."""
    events: list[str] = []

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in OUTWARDS:
            events.append(f"{event} {arguments!r}")

    def answer() -> None:
        for _ in sys.stdin:
            say(outgoing())

    def tell() -> None:
        told = {
            "events": events,
            "modules": sorted(sys.modules),
            "dumpable": ctypes.CDLL(None).prctl(_PR_GET_DUMPABLE),
            "core": resource.getrlimit(resource.RLIMIT_CORE),
        }
        say(told)

    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (most, most))  # allowed, until the signer forbids it
    sys.addaudithook(hook)
    atexit.register(tell)
    threading.Thread(target=answer, daemon=True).start()
    runpy.run_module("ssv_signer", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
