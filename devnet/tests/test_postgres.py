"""A PostgreSQL server of its own: databases beside each other, and its end with whoever started it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from ssv_devnet.postgres import running_postgres

GIVE_UP_S = 30
STARTER = """
import time
from ssv_devnet.postgres import running_postgres
with running_postgres() as server:
    print(server.pid, server.folder, flush=True)
    time.sleep(600)
"""


def test_databases_of_one_server_share_no_table() -> None:
    with running_postgres() as server:
        server.create_database("other")
        with psycopg.connect(server.dsn(database="other")) as connection:
            connection.execute("CREATE TABLE something ()")
        with psycopg.connect(server.dsn()) as connection, pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute("SELECT * FROM something")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends it")
def test_it_ends_with_a_process_that_is_killed() -> None:
    starter = subprocess.Popen([sys.executable, "-c", STARTER], stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    pid, folder = starter.stdout.readline().split()
    try:
        assert Path(f"/proc/{pid}").exists()
        starter.kill()
        starter.wait()
        give_up = time.monotonic() + GIVE_UP_S
        while Path(f"/proc/{pid}").exists() and time.monotonic() < give_up:
            time.sleep(0.05)
        assert not Path(f"/proc/{pid}").exists()
    finally:
        if Path(f"/proc/{pid}").exists():
            os.kill(int(pid), signal.SIGQUIT)
        starter.kill()
        shutil.rmtree(folder, ignore_errors=True)
