"""Write the chart's files that are made of others: CRD and values.schema.json of the model, README.md's values.

python scripts/chart.py [--check]      # --check: write nothing, exit with 1 when a file is not current
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml

from ssv_kube.model.crd import crd_yaml
from ssv_kube.model.names import CRD_NAME, MAX_NAME_LENGTH
from ssv_kube.model.schema import structural
from ssv_kube.model.spec import SSVNodeSpec

CHART = Path(__file__).parents[1] / "helm" / "ssv"
BEGIN, END = "<!-- values: made by scripts/chart.py -->", "<!-- end of values -->"
Schema = dict[str, Any]

_NAME = {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "maxLength": 63}
_LABELS = {"type": "object", "additionalProperties": {"type": "string"}}


def files() -> dict[Path, str]:
    """Return what each file should hold."""
    readme = CHART / "README.md"
    return {
        CHART / "crds" / f"{CRD_NAME}.yaml": crd_yaml(),
        CHART / "values.schema.json": json.dumps(values_schema(), indent=2) + "\n",
        readme: with_values(readme.read_text(), (CHART / "values.yaml").read_text()),
    }


def values_schema() -> Schema:
    """Return the JSON Schema of the chart's values. Unknown keys are refused: a misspelt one must not be ignored."""
    spec = _closed(structural(SSVNodeSpec))
    required = spec.pop("required")
    node = _object(
        create={"type": "boolean"},
        name={**_NAME, "maxLength": MAX_NAME_LENGTH, "pattern": "^[a-z]([-a-z0-9]*[a-z0-9])?$"},
        spec=spec,
    )
    wanted = {"properties": {"create": {"const": True}}}
    node |= {"if": wanted, "then": {"properties": {"spec": {"required": required}}}}
    quantities = {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?(m|[KMGT]i?)?$"}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        **_object(
            images=_object(
                repository={"type": "string", "minLength": 1},
                tag={"type": "string"},
                digests={
                    "type": "object",
                    "additionalProperties": {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"},
                },
                pullPolicy={"enum": ["Always", "IfNotPresent", "Never"]},
                pullSecrets={"type": "array", "items": _NAME},
                nats={"type": "string", "minLength": 1},
            ),
            operator=_object(
                replicas={"type": "integer", "minimum": 1},
                logLevel={"enum": ["debug", "info", "warning", "error"]},
                resyncSeconds={"type": "number", "exclusiveMinimum": 0},
                exportLimitSeconds={"type": "integer", "minimum": 0},
                resources=_object(cpu=quantities, memory=quantities),
                nodeSelector=_LABELS,
                tolerations={"type": "array", "items": {"type": "object"}},
                priorityClassName={"type": "string"},
            ),
            monitoring=_object(
                serviceMonitor={"type": "boolean"},
                serviceMonitorLabels=_LABELS,
                namespace={"type": "string", "pattern": "^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$", "maxLength": 63},
            ),
            watchNamespaces={"type": "array", "items": _NAME},
            uninstall=_object(waitForNodes={"type": "boolean"}, limitSeconds={"type": "integer", "minimum": 1}),
            node=node,
            **{"global": {"type": "object"}},
        ),
    }


def with_values(readme: str, values: str) -> str:
    """Return the README with the table of values between its marks."""
    before, _, rest = readme.partition(BEGIN)
    rows = [
        "| value | default | |",
        "|---|---|---|",
        *(f"| `{key}` | `{default}` | {text} |" for key, default, text in described(values)),
    ]
    return f"{before}{BEGIN}\n\n" + "\n".join(rows) + f"\n\n{END}{rest.partition(END)[2]}"


def described(values: str) -> list[tuple[str, str, str]]:
    """Return key, default as JSON and text of each value that has a comment `# --`, in their order."""
    found: list[tuple[str, str, str]] = []
    path: list[str] = []
    text = ""
    content = yaml.safe_load(values)
    for line in values.splitlines():
        if comment := re.match(r"\s*# -- (.*)", line):
            text = comment[1]
        elif key := re.match(r"( *)([A-Za-z]+):", line):
            path = [*path[: len(key[1]) // 2], key[2]]
            if text:
                found.append((".".join(path), json.dumps(_at(content, path)), text))
            text = ""
    return found


def _at(content: Any, path: list[str]) -> Any:
    for key in path:
        content = content[key]
    return content


def _object(**properties: Any) -> Schema:
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _closed(schema: Schema) -> Schema:
    """Return the schema with unknown keys refused, and without defaults: the API server fills them in."""
    made = {key: value for key, value in schema.items() if key != "default"}
    if "properties" in made:
        made["properties"] = {name: _closed(each) for name, each in made["properties"].items()}
        made["additionalProperties"] = False
    elif isinstance(made.get("additionalProperties"), dict):
        made["additionalProperties"] = _closed(made["additionalProperties"])
    if "items" in made:
        made["items"] = _closed(made["items"])
    return made


def main(arguments: list[str]) -> int:
    """Write, or check; returns the exit status."""
    stale = {path: text for path, text in files().items() if not path.exists() or path.read_text() != text}
    if "--check" in arguments:
        for path in stale:
            print(f"{path.relative_to(CHART.parents[1])} is not current; run: python scripts/chart.py")
        return 1 if stale else 0
    for path, text in stale.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
