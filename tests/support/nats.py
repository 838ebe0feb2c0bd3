"""A real nats-server with an operator's own configuration: users, passwords, permissions."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ssv_runtime.nats_permissions import PERMISSIONS, render_nats_conf

PATIENCE_S = 20.0


class Nats:
    """The server on `folder`; it can be killed, and started again at its port with or without what it stored."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        passwords = {service: f"of-{service}" for service in PERMISSIONS}
        for service, password in passwords.items():
            (folder / f"{service}.password").write_text(password)
        (folder / "nats.conf").write_text(render_nats_conf(passwords))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]

    def settings(self, service: str) -> dict[str, object]:
        """Bus settings of `service`."""
        return {
            "nats_url": f"nats://127.0.0.1:{self.port}",
            "nats_user": service,
            "nats_password_file": self._folder / f"{service}.password",
        }

    def start(self) -> None:
        binary = Path(sys.executable).with_name("nats-server")
        where = ["--addr", "127.0.0.1", "--port", str(self.port), "--store_dir", "store"]
        command: list[str | Path] = [binary, "-c", "nats.conf", *where]
        with (self._folder / "nats.log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self._folder, stdout=log, stderr=log)
        give_up = time.monotonic() + PATIENCE_S
        while time.monotonic() < give_up:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise TimeoutError((self._folder / "nats.log").read_text())

    def kill(self, *, lose_everything: bool = False) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        if lose_everything:
            shutil.rmtree(self._folder / "store", ignore_errors=True)


@contextmanager
def running_nats(folder: Path) -> Iterator[Nats]:
    """Start it; end it on the way out."""
    server = Nats(folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()
