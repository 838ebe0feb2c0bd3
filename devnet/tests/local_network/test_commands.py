import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ssv_devnet.local_network.commands import app
from ssv_devnet.local_network.state import (
    EpochSeen,
    NetworkState,
    StateUnreadable,
    lock_file,
    read_seen,
    read_state,
    write_seen,
    write_state,
)
from ssvctl.supervisor.lock import held, holder

STATE = NetworkState("http://beacon", "http://evm", "0x5f", [1, 2, 3, 4], [3, 4], [16, 17], 1)
# Holds the lock until SIGTERM, as the background process does.
HOLDER = """
import pathlib, signal, sys
from ssv_devnet.local_network.state import lock_file
from ssvctl.supervisor.lock import held
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
with held(lock_file(pathlib.Path(sys.argv[1]))):
    print("held", flush=True)
    signal.pause()
"""


def devnet(*arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)])


def test_state_comes_back(tmp_path: Path) -> None:
    assert read_state(tmp_path) is None
    assert read_seen(tmp_path) == []
    write_state(tmp_path, STATE)
    write_seen(tmp_path, [EpochSeen(3, 16, 15)])
    assert read_state(tmp_path) == STATE
    assert read_seen(tmp_path) == [EpochSeen(3, 16, 15)]


def test_a_damaged_state(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text('{"beacon_url": 1}')
    with pytest.raises(StateUnreadable, match="beacon_url"):
        read_state(tmp_path)


def test_nothing_runs(tmp_path: Path) -> None:
    result = devnet("status", "--dir", tmp_path)
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "start one with `ssvctl devnet up`" in result.stderr
    result = devnet("down", "--dir", tmp_path)
    assert (result.exit_code, result.stdout) == (0, f"no network runs in {tmp_path}\n")


def test_one_network_a_folder(tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    with held(lock_file(tmp_path)):
        up = devnet("up", "--dir", tmp_path)
        assert up.exit_code == 1
        assert f"a network runs in {tmp_path} (process {os.getpid()})" in up.stderr
        assert "the network is starting" in devnet("status", "--dir", tmp_path).stderr
    assert (tmp_path / "precious").exists()


def test_a_committee_has_four_seven_ten_or_thirteen(tmp_path: Path) -> None:
    result = devnet("up", "--dir", tmp_path / "new", "--operators", 5)
    assert result.exit_code == 1
    assert "give 4, 7, 10 or 13" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_down_ends_the_background_process(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, tmp_path], stdout=subprocess.PIPE) as background:
        assert background.stdout is not None
        assert background.stdout.readline() == b"held\n"
        burying = threading.Thread(target=background.wait)
        burying.start()
        result = devnet("down", "--dir", tmp_path)
        burying.join()
    assert (result.exit_code, result.stdout) == (0, "stopped\n")
    assert (background.returncode, holder(lock_file(tmp_path))) == (0, None)
