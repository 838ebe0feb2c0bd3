"""Nodes to make manifests of: one for each example of the chart.

The folder is a package of its own name: `operator.tests` would hide the standard library's module `operator`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from ssv_kube.model.spec import SSVNodeSpec
from ssv_kube.resources.images import Images
from ssv_kube.resources.node import Node, Surroundings

EXAMPLES = Path(__file__).parents[2] / "helm" / "ssv" / "examples"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.yaml"))
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def _example(name: str, **changes: Any) -> Node:
    values: dict[str, Any] = yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text())
    spec = SSVNodeSpec.model_validate({**values["node"]["spec"], **changes})
    return Node("ssv", "staking", "11111111-2222-3333-4444-555555555555", spec)


def _surroundings(**given: Any) -> Surroundings:
    images = Images("registry.example.org/ssv", "1.2.3", "nats:2.15.1-alpine")
    return Surroundings(**{"images": images, "operator_namespace": "ssv-system", "network_file": "{}\n", **given})


@pytest.fixture
def now() -> datetime:
    """Return a moment."""
    return NOW


@pytest.fixture
def example() -> Callable[..., Node]:
    """Return what makes an example's node, with parts of its spec replaced: example("ha", builder={…})."""
    return _example


@pytest.fixture
def surroundings() -> Callable[..., Surroundings]:
    """Return what makes the surroundings of a node, with some of them given."""
    return _surroundings


@pytest.fixture(params=NAMES)
def node(request: pytest.FixtureRequest) -> Node:
    """Return each example's node in turn."""
    return _example(request.param)


@pytest.fixture
def around(node: Node) -> Surroundings:
    """Return what is around it; the example that asks for cert-manager has it."""
    return _surroundings(cert_manager=node.spec.certificates.issuer == "cert-manager")
