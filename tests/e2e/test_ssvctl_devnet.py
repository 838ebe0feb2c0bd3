"""`ssvctl devnet` as a user runs it: up, status, down; and whatever ends it, nothing stays."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.processes import descendants

from ssv_devnet.local_network.state import lock_file, read_state
from ssvctl.supervisor.lock import holder

SSVCTL = str(Path(sys.executable).with_name("ssvctl"))
UP_WITHIN_S = 180
GONE_WITHIN_S = 60


def devnet(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [SSVCTL, "devnet", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=UP_WITHIN_S, check=False)


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Path]:
    """A network of four operators, the first with a process for each service."""
    folder = tmp_path / "devnet"
    try:
        up = devnet("up", "--dir", folder, "--slot-s", "3")
        assert up.returncode == 0, up.stdout + up.stderr
        yield folder
    finally:
        if (pid := holder(lock_file(folder))) is not None:
            os.kill(pid, signal.SIGKILL)


def background(folder: Path) -> int:
    pid = holder(lock_file(folder))
    assert pid is not None
    return pid


def test_up_status_down(network: Path) -> None:
    started = descendants(background(network))
    # EVM, beacon node, block builder, background validators; nats and five services; three times nats and a group
    assert len(started) == 4 + 6 + 3 * 2
    status = devnet("status", "--dir", network)
    assert status.returncode == 0, status.stdout + status.stderr
    assert status.stdout.count("all ready") == 4
    assert "head 0x" in status.stdout
    state = read_state(network)
    assert state is not None
    assert (state.operators, state.grouped, len(state.validators)) == ([1, 2, 3, 4], [2, 3, 4], 16)
    down = devnet("down", "--dir", network)
    assert (down.returncode, down.stdout) == (0, "stopped\n")
    assert not any(Path(f"/proc/{pid}").exists() for pid in started)
    assert devnet("status", "--dir", network).returncode == 1


def test_killed_it_leaves_nothing(network: Path) -> None:
    pid = background(network)
    started = descendants(pid)
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + GONE_WITHIN_S
    while any(Path(f"/proc/{child}").exists() for child in started) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(Path(f"/proc/{child}").exists() for child in started)
