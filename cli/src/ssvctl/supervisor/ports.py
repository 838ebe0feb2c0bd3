"""Ports that are free now, chosen where the kernel takes none for outgoing connections.

Not guaranteed: that a port is still free when it is used. `is_free` tells afterwards, and the caller plans anew.
"""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator

LOOPBACK = "127.0.0.1"
_LOWEST, _HIGHEST = 15_000, 32_000
"""Below Linux's ephemeral range (32768 …), above the well-known services."""
_TRIES = 1000


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Return whether somebody could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # an old connection's remains do not count
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def free_ports(count: int) -> tuple[int, ...]:
    """Return different free ports of loopback; raises OSError when the machine has none left."""
    found: list[int] = []
    for port in _candidates():
        if len(found) == count:
            break
        if port not in found and is_free(port):
            found.append(port)
    if len(found) < count:
        raise OSError("no free ports on loopback")
    return tuple(found)


def _candidates() -> Iterator[int]:
    chance = random.SystemRandom()
    for _ in range(_TRIES):
        yield chance.randint(_LOWEST, _HIGHEST)
