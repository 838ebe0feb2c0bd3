"""Ctrl-C in the middle of the demo leaves no process behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

READY = "are ready"
GIVE_UP_S = 90


def descendants(pid: int) -> set[int]:
    """Return the pids of all living descendants of a process."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        children.setdefault(int(after_name[1]), []).append(int(stat.parent.name))
    found: set[int] = set()
    waiting = [pid]
    while waiting:
        for child in children.get(waiting.pop(), []):
            found.add(child)
            waiting.append(child)
    return found


def test_ctrl_c_ends_every_process(tmp_path: Path) -> None:
    environment = os.environ | {"DEMO_PLAIN": "1", "PYTHONUNBUFFERED": "1"}
    demo = subprocess.Popen(
        [sys.executable, "-m", "ssv_devnet.demo"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert demo.stdout is not None
    try:
        said = []
        for line in demo.stdout:
            said.append(line)
            if READY in line:
                break
        assert demo.poll() is None, "".join(said)
        started = descendants(demo.pid)
        demo.send_signal(signal.SIGINT)
        rest = demo.communicate(timeout=GIVE_UP_S)[0]
    finally:
        if demo.poll() is None:
            demo.kill()
            demo.wait()
    assert started, "the demo had no child processes to leave behind"
    assert demo.returncode == 130, "".join(said) + rest
    assert {pid for pid in started if Path(f"/proc/{pid}").exists()} == set()
