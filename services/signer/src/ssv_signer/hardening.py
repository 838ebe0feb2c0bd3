"""A process that holds keys leaves no image of its memory: no core file, no debugger of the same user.

`PR_SET_DUMPABLE` 0 keeps the kernel from writing a core whatever `core_pattern` pipes it to, and other processes of the
user from attaching or reading /proc/<pid>/mem. Linux has it; elsewhere the resource limit alone is set.

Not guaranteed: anything against root, or against what the kernel swaps out.

Source: prctl(2), setrlimit(2), core(5).
"""

from __future__ import annotations

import ctypes
import resource
import sys

_PR_SET_DUMPABLE = 4


def forbid_dumps() -> bool:
    """Turn core dumps off for this process and its children; returns whether memory is closed to debuggers too."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if not sys.platform.startswith("linux"):
        return False
    return bool(ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) == 0)
