import os
import subprocess
import sys

import pytest

from ssvctl.embedded.folder import OperatorFolder, held, supervisor_pid
from ssvctl.errors import SsvctlError


def test_one_supervisor_a_folder(folder: OperatorFolder) -> None:
    assert supervisor_pid(folder) is None
    with held(folder):
        assert supervisor_pid(folder) == os.getpid()
        with pytest.raises(SsvctlError, match=f"process {os.getpid()} already"), held(folder):
            pytest.fail("held twice")
        assert supervisor_pid(folder) == os.getpid()
    assert supervisor_pid(folder) is None
    with held(folder):
        assert supervisor_pid(folder) == os.getpid()


def test_the_lock_goes_with_a_killed_holder(folder: OperatorFolder) -> None:
    script = """
import pathlib, sys, time
from ssvctl.embedded.folder import OperatorFolder, held
with held(OperatorFolder.at(pathlib.Path(sys.argv[1]))):
    print("held", flush=True)
    time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", script, folder.root], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert supervisor_pid(folder) == holder.pid
        holder.kill()
    assert supervisor_pid(folder) is None
    with held(folder):
        assert supervisor_pid(folder) == os.getpid()


def test_only_the_owner_may_look_in(folder: OperatorFolder) -> None:
    with held(folder):
        assert folder.root.stat().st_mode & 0o777 == 0o700
