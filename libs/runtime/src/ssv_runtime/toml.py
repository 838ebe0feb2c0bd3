"""Writing TOML, as much of it as settings files need: keys with plain values, then tables of them.

Source: toml.io v1.0.0.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any


def encode_toml(content: Mapping[str, Any]) -> str:
    """Return `content` as TOML; values are text, numbers, booleans, paths, lists of them or tables. None is left out.

    Raises:
        TypeError: a value is something else.
    """
    tables = {key: value for key, value in content.items() if isinstance(value, Mapping)}
    lines = _lines({key: value for key, value in content.items() if key not in tables})
    for name, table in tables.items():
        lines += ["", f"[{name}]", *_lines(table)]
    return "\n".join(lines) + "\n"


def _lines(table: Mapping[str, Any]) -> list[str]:
    return [f"{key} = {_value(value)}" for key, value in table.items() if value is not None]


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str | PurePath):
        return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    raise TypeError(f"no TOML for {type(value).__name__}")
