"""One vector file as the runners see it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Version = Literal["boole", "alan"]
"""Which rule set an archive of vectors was made with."""


@dataclass(frozen=True)
class Case:
    """A test file: its Go type, its name and its parsed JSON."""

    suite: str
    """"types", "qbft" or "ssv"."""
    version: Version
    type_name: str
    """The Go type, as the file name begins: "tests.MsgProcessingSpecTest"."""
    name: str
    """The rest of the file name."""
    json: Any
    state_folder: Path = field(repr=False)
    """Where the expected states of this type are; may not exist for types that have none."""

    def state(self, name: str) -> Any:
        """Return the parsed expected state "<name>.json"; AssertionError when the archive lacks it."""
        path = self.state_folder / f"{name}.json"
        assert path.is_file(), f"the archive has no expected state {name!r}"
        return json.loads(path.read_bytes())


Runner = Callable[[Case], None]
"""Runs a case; raises AssertionError, with what differs, when it does not pass."""
