"""The table of a service's settings, made from the fields: what `--help` prints and the reference page shows."""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from ssv_runtime.settings import ENV_PREFIX, ServiceSettings

_TYPE_NAMES = {str: "text", int: "integer", float: "number", bool: "true|false", Path: "path"}


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting as its reader sees it."""

    key: str
    env: str
    type: str
    default: str
    description: str


def setting_rows(settings: type[ServiceSettings]) -> Iterator[SettingRow]:
    """Yield a row for each setting, required ones first, the service's own before those that all have."""
    fields = settings.model_fields
    shared = ServiceSettings.model_fields
    for key in sorted(fields, key=lambda key: (not fields[key].is_required(), key in shared)):
        field = fields[key]
        description = field.description or ""
        yield SettingRow(key, f"{ENV_PREFIX}{key.upper()}", type_name(field.annotation), _default(field), description)


def settings_table(name: str, settings: type[ServiceSettings]) -> str:
    """Return what `--help` prints for service `name`."""
    rows = [SettingRow("key", "environment", "type", "default", "description"), *setting_rows(settings)]
    columns = [(row.key, row.env, row.type, row.default, row.description) for row in rows]
    widths = [max(len(column[place]) for column in columns) for place in range(4)]
    lines = ["  ".join([*(text.ljust(width) for text, width in zip(line, widths, strict=False)), line[-1]])
             for line in columns]  # fmt: skip
    return "\n".join(
        [
            f"usage: ssv {name} [--config FILE.toml] [--<key> VALUE ...]",
            "",
            "A setting comes from its argument (--nats-url), else the environment, else the file, else its default.",
            f"In the file, keys at the top are for all services and those in the table [{name}] for this one.",
            "",
            *lines,
        ]
    )


def type_name(annotation: Any) -> str:
    """Return a type in a user's words."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return "|".join(str(argument) for argument in arguments)
    if origin in (Union, types.UnionType):
        return "|".join(type_name(argument) for argument in arguments if argument is not type(None))
    if origin in (list, tuple, set, frozenset):
        return f"{type_name(arguments[0])},..."
    if hasattr(annotation, "__metadata__"):
        return type_name(arguments[0])
    return _TYPE_NAMES.get(annotation, getattr(annotation, "__name__", str(annotation)))


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None or value in ("", [], ()):
        return "-"
    if isinstance(value, list | tuple):
        return ",".join(str(part) for part in value)
    return str(value).lower() if isinstance(value, bool) else str(value)
