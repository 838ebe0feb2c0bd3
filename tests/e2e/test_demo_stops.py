"""Ctrl-C in the middle of the demo leaves no process behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.support.processes import descendants

READY = "are ready"
GIVE_UP_S = 90


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
