"""The mutants that may survive, each with the reason in `accepted.toml`.

An entry names file, function and change, not the line, so it outlives edits elsewhere in the file.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

Key = tuple[str, str, str]
FILE = Path(__file__).with_name("accepted.toml")


def accepted(path: Path = FILE) -> dict[Key, str]:
    """Return the reason of each (file, function, change); raises ValueError for an entry without a reason."""
    reasons: dict[Key, str] = {}
    for item in tomllib.loads(path.read_text()).get("mutant", []):
        if not item["reason"].strip():
            raise ValueError(f"no reason for {item['change']}")
        reasons[item["file"], item["function"], item["change"]] = item["reason"]
    return reasons
