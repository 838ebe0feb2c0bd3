"""Finds the official vectors and unpacks them once.

The archives are found by the environment variable SSV_SPEC_VECTORS, by default in ../shared/spec-vectors
beside the repository. An archive is unpacked on its first use into build/spec-vectors (0.4 GB each), under
a temporary name that is renamed when complete, so that two runs at once do no harm.
"""

from __future__ import annotations

import json
import lzma
import os
import tarfile
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from tests.spec.case import Case, Version

REPOSITORY = Path(__file__).resolve().parents[2]
VARIABLE = "SSV_SPEC_VECTORS"
ARCHIVES: dict[Version, str] = {"boole": "ssv-spec-5d11f26.tar.xz", "alan": "ssv-spec-v1.2.2.tar.xz"}
KEYS = "test-keys.json.xz"


class VectorsMissing(Exception):
    """The archives are not where they should be; the message says what to set."""


def folder() -> Path:
    """Return the folder of the archives; raises VectorsMissing."""
    path = Path(os.environ.get(VARIABLE) or REPOSITORY.parent / "shared" / "spec-vectors")
    for archive in (*ARCHIVES.values(), KEYS):
        if not (path / archive).is_file():
            raise VectorsMissing(
                f"The official vectors are missing: set {VARIABLE} to the folder that holds {archive}."
            )
    return path


def cases(suite: str, version: Version) -> Iterator[Case]:
    """Yield every test file of a suite ("types", "qbft" or "ssv"), by name."""
    generated = unpacked(version) / suite / "spectest" / "generate"
    for path in sorted((generated / "tests").glob("*.json")):
        yield load(path, suite, version)


def load(path: Path, suite: str, version: Version) -> Case:
    """Read one test file of an unpacked suite."""
    type_name, _, name = path.stem.partition("_")
    states = path.parents[1] / "state_comparison" / type_name.replace(".", "_")
    return Case(suite, version, type_name, name, json.loads(path.read_bytes()), states)


@lru_cache
def test_keys() -> Any:
    """Return the keys that the vectors use, as the archive's JSON; raises VectorsMissing."""
    with lzma.open(folder() / KEYS) as file:
        return json.load(file)


def unpacked(version: Version) -> Path:
    """Return the folder of an archive's content, unpacking it when needed; raises VectorsMissing."""
    archive = folder() / ARCHIVES[version]
    target = REPOSITORY / "build" / "spec-vectors" / version
    if not target.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as temporary:
            content = Path(temporary) / "content"
            with tarfile.open(archive, "r|xz") as tar:
                # Python before 3.11.4 has no extraction filters
                tar.extraction_filter = getattr(tarfile, "data_filter", lambda member, _path: member)
                tar.extractall(content)
            try:
                content.rename(target)
            except OSError:  # another run was faster
                if not target.is_dir():
                    raise
    return target
