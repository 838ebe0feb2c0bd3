import os
import subprocess
import sys
from pathlib import Path

import pytest

from ssvctl.errors import SsvctlError
from ssvctl.supervisor.lock import held, holder


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "run" / "lock"


def test_one_holder(lock: Path) -> None:
    assert holder(lock) is None
    with held(lock):
        assert holder(lock) == os.getpid()
        with pytest.raises(SsvctlError, match=f"in use by process {os.getpid()}"), held(lock):
            pytest.fail("held twice")
        assert holder(lock) == os.getpid()
    assert holder(lock) is None
    with held(lock):
        assert holder(lock) == os.getpid()


def test_the_lock_goes_with_a_killed_holder(lock: Path) -> None:
    script = """
import pathlib, sys, time
from ssvctl.supervisor.lock import held
with held(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", script, lock], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        assert holder(lock) == process.pid
        process.kill()
    assert holder(lock) is None
    with held(lock):
        assert holder(lock) == os.getpid()
