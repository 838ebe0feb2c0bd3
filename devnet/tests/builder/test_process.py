"""The builder as a process: it ends with its parent and on SIGTERM, even while it waits for its beacon node."""

import signal
import subprocess
import sys

import pytest


@pytest.mark.parametrize("ending", ["stdin", "sigterm"])
def test_it_ends_with_its_parent_and_on_sigterm(ending: str) -> None:
    command = [sys.executable, "-m", "ssv_devnet.builder", "--beacon-url", "http://127.0.0.1:1"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stderr=pipe, text=True) as process:
        try:
            assert process.stdin is not None
            assert process.stderr is not None
            assert "http://127.0.0.1:1" in process.stderr.readline()
            if ending == "stdin":
                process.stdin.close()
            else:
                process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=20) == 0
            assert process.stderr.read() == ""
        finally:
            process.kill()
