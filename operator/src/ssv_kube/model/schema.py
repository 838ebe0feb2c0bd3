"""From the typed model to a structural OpenAPI schema, which is JSON Schema with less in it.

No `$ref`, no `title`, no `anyOf` with null: what is optional is left out by users, and None stands for that. A part
that is made by default gets the default {}, so that the API server fills in the defaults inside of it.

Source: Kubernetes, "Specifying a structural schema".
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

Schema = dict[str, Any]

_KEPT = (
    "description",
    "type",
    "format",
    "enum",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "maxProperties",
    "required",
)
_IGNORED = {
    "title",
    "default",
    "properties",
    "items",
    "additionalProperties",
    "anyOf",
    "allOf",
    "$ref",
    "$defs",
    "const",
}


def structural(model: type[BaseModel]) -> Schema:
    """Return the schema of `model`.

    Raises:
        ValueError: the model uses something that a structural schema can't say.
    """
    whole = model.model_json_schema(by_alias=True)
    return _convert(whole, whole.get("$defs", {}))


def _convert(given: Schema, definitions: dict[str, Schema]) -> Schema:
    node = _resolved(given, definitions)
    unknown = set(node) - set(_KEPT) - _IGNORED
    if unknown:
        raise ValueError(f"no structural schema for {', '.join(sorted(unknown))}")
    made: Schema = {key: node[key] for key in _KEPT if key in node}
    if "const" in node:
        made["enum"] = [node["const"]]
    if node.get("default") is not None:
        made["default"] = node["default"]
    if "properties" in node:
        made["properties"] = {
            name: _property(name, each, node, definitions) for name, each in node["properties"].items()
        }
    if "items" in node:
        made["items"] = _convert(node["items"], definitions)
    if isinstance(node.get("additionalProperties"), dict):
        made["additionalProperties"] = _convert(node["additionalProperties"], definitions)
    return made


def _property(name: str, given: Schema, parent: Schema, definitions: dict[str, Schema]) -> Schema:
    made = _convert(given, definitions)
    is_part = made.get("type") == "object" and "properties" in made
    if is_part and name not in parent.get("required", ()) and not _may_be_null(given):
        made["default"] = {}
    return made


def _resolved(given: Schema, definitions: dict[str, Schema]) -> Schema:
    """Return `given` with what it refers to; its own words win over those of the definition."""
    node = dict(given)
    choices = [one for one in node.pop("anyOf", []) if one.get("type") != "null"]
    if len(choices) > 1:
        raise ValueError("no structural schema for anyOf")
    for each in (*node.pop("allOf", []), *choices):
        node = {**_resolved(each, definitions), **node}
    if "$ref" in node:
        reference = node.pop("$ref").removeprefix("#/$defs/")
        node = {**_resolved(definitions[reference], definitions), **node}
    return node


def _may_be_null(given: Schema) -> bool:
    return any(each.get("type") == "null" for each in given.get("anyOf", ()))
