"""The CustomResourceDefinition of SSVNode, made of the model. `python -m ssv_kube.model` writes the chart's file."""

from __future__ import annotations

from typing import Any

import yaml

from ssv_kube.model.names import CRD_NAME, GROUP, KIND, PLURAL, SHORT_NAME, VERSION
from ssv_kube.model.rules import NETWORK_RULES, RESOURCE_RULES, SPEC_RULES
from ssv_kube.model.schema import structural
from ssv_kube.model.spec import SSVNodeSpec
from ssv_kube.model.status import READY, SSVNodeStatus

_HEADER = "# Made of ssv_kube.model by `python -m ssv_kube.model`; a test holds it to that.\n"


class _NoAliases(yaml.SafeDumper):
    """Writes what occurs twice twice."""

    def ignore_aliases(self, data: object) -> bool:
        """Never refer back."""
        return True


def crd() -> dict[str, Any]:
    """Return the definition."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": CRD_NAME},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": KIND.lower(),
                "shortNames": [SHORT_NAME],
                "categories": [SHORT_NAME],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": _columns(),
                    "schema": {"openAPIV3Schema": _schema()},
                }
            ],
        },
    }


def crd_yaml() -> str:
    """Return the definition as the chart holds it."""
    return _HEADER + yaml.dump(crd(), Dumper=_NoAliases, sort_keys=False, width=120, allow_unicode=True)


def _schema() -> dict[str, Any]:
    spec, status = structural(SSVNodeSpec), structural(SSVNodeStatus)
    spec["x-kubernetes-validations"] = [rule.manifest() for rule in SPEC_RULES]
    spec["properties"]["network"]["x-kubernetes-validations"] = [rule.manifest() for rule in NETWORK_RULES]
    conditions = status["properties"]["conditions"]
    conditions |= {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}
    return {
        "type": "object",
        "description": "One SSV operator, run as a set of services.",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": spec,
            "status": status,
        },
        "x-kubernetes-validations": [rule.manifest() for rule in RESOURCE_RULES],
    }


def _columns() -> list[dict[str, Any]]:
    def column(name: str, path: str, kind: str = "string") -> dict[str, Any]:
        # without "priority": 0, which the API server drops: Helm would take that for somebody else's change
        return {"name": name, "type": kind, "jsonPath": path}

    return [
        column("Network", ".spec.network.name"),
        column("Preset", ".spec.preset"),
        column("Ready", f'.status.conditions[?(@.type=="{READY}")].status'),
        column("Phase", ".status.phase"),
        column("Validators", ".status.validators", "integer"),
        column("Peers", ".status.peers", "integer"),
        column("Decided", ".status.lastDecidedSlot", "integer"),
        column("Message", ".status.message") | {"priority": 1},
        column("Age", ".metadata.creationTimestamp", "date"),
    ]
