"""The mutants that may survive, each with the reason in `accepted.toml`.

An entry names file, function and change, not the line, so it outlives edits elsewhere in the file.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

Key = tuple[str, str, str]
FILE = Path(__file__).with_name("accepted.toml")


def accepted(path: Path = FILE) -> dict[Key, str]:
    """Return the reason of each (file, function, change); raises ValueError for one without a reason, or twice."""
    reasons: dict[Key, str] = {}
    for item in tomllib.loads(path.read_text()).get("mutant", []):
        key = item["file"], item["function"], item["change"]
        if not item["reason"].strip() or key in reasons:
            raise ValueError(f"no reason, or a second time: {key}")
        reasons[key] = item["reason"]
    return reasons
