"""Run a program that must not outlive its parent: `python tied.py <parent pid> <program> [argument …]`.

The kernel kills the program when the thread that started it is gone (prctl PR_SET_PDEATHSIG, which outlives execve),
so not even a kill -9 of the supervisor leaves a process behind. SIGKILL and not SIGTERM: nobody is left to insist,
and no service needs a goodbye. Linux only; elsewhere the program runs untied.

A script of its own with nothing but the standard library, because it replaces itself by the program at once.
Source: prctl(2).
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Tie this process to its parent, then become the program."""
    parent_pid, program = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
            sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
        if os.getppid() != parent_pid:  # it was gone before the tie held
            sys.exit(1)
    os.execv(program[0], program)


if __name__ == "__main__":
    main()
