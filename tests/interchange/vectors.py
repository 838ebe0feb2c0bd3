"""Finds and reads the interchange vectors.

They are found by the environment variable SSV_INTERCHANGE_VECTORS, by default in ../shared/slashing-interchange-vectors
beside the repository: one JSON file each, as eth-clients/slashing-protection-interchange-tests has them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
VARIABLE = "SSV_INTERCHANGE_VECTORS"
Json = dict[str, Any]


class VectorsMissing(Exception):
    """The files are not where they should be; the message says what to set."""


@dataclass(frozen=True, slots=True)
class Vector:
    """One file: a network, and steps that each import a file and then try to sign."""

    name: str
    genesis_validators_root: str
    steps: list[Json]


def vectors() -> Iterator[Vector]:
    """Yield every vector by name; raises VectorsMissing when there is none."""
    folder = Path(os.environ.get(VARIABLE) or REPOSITORY.parent / "shared" / "slashing-interchange-vectors")
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise VectorsMissing(f"The interchange vectors are missing: set {VARIABLE} to the folder of their JSON files.")
    for path in paths:
        content = json.loads(path.read_bytes())
        yield Vector(path.stem, content["genesis_validators_root"], content["steps"])
