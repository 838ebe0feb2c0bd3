"""The folder of an embedded operator.

    operator.toml  network.json  certs/  data/ (what must not be lost)  run/ (of the running processes)  log/

Invariant: one supervisor a folder, which holds its lock.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class OperatorFolder:
    """Where an operator's files are. `root` is absolute, because services run with other working directories."""

    root: Path

    @classmethod
    def at(cls, root: Path) -> OperatorFolder:
        """Return the folder at `root`."""
        return cls(root.absolute())

    @property
    def settings_file(self) -> Path:
        """What the operator wrote."""
        return self.root / "operator.toml"

    @property
    def network_file(self) -> Path:
        """Made by `ssvctl up` of the network's name, unless another file was named."""
        return self.root / "network.json"

    @property
    def certificates(self) -> Path:
        """Made by `ssvctl certs make`."""
        return self.root / "certs"

    @property
    def data(self) -> Path:
        """Databases, the network key, the bus's streams."""
        return self.root / "data"

    @property
    def registry_database(self) -> Path:
        """The eth1-listener's; made again when it is missing."""
        return self.data / "registry.sqlite"

    @property
    def run(self) -> Path:
        """Files that hold only while the operator runs."""
        return self.root / "run"

    @property
    def service_settings(self) -> Path:
        """Settings of all services, written at each start."""
        return self.run / "services.toml"

    @property
    def lock(self) -> Path:
        """Held by the supervisor."""
        return self.run / "lock"

    @property
    def p2p_address_file(self) -> Path:
        """Multiaddr with the peer id, that others dial; written by the gateway at each start."""
        return self.run / "p2p-address"

    def log(self, process: str) -> Path:
        """Return the log of a process."""
        return self.root / "log" / f"{process}.log"

    def health_port_file(self, service: str) -> Path:
        """Return the file with the port of a service's health server."""
        return self.run / f"{service}.health"
