"""The chart as a release: the real Helm at the control plane."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.kube import assets
from tests.kube.control_plane import ControlPlane
from tests.kube.waiting import eventually

CHART = Path(__file__).parents[2] / "helm" / "ssv"
_LIMIT = "180s"


class HelmFailed(Exception):
    """Helm's exit status was not 0; the text is what it said."""


@dataclass(frozen=True, slots=True)
class Release:
    """One release, in a namespace of its own."""

    plane: ControlPlane
    namespace: str
    name: str = "ssv"

    def install(self, values: dict[str, Any], *flags: str) -> str:
        """Install and wait until the operator is ready."""
        return self._with_values("install", values, "--wait", *flags)

    def upgrade(self, values: dict[str, Any], *flags: str) -> str:
        """Upgrade and wait."""
        return self._with_values("upgrade", values, "--wait", *flags)

    def rollback(self) -> str:
        """Go back to the revision before, and wait."""
        return self.helm("rollback", self.name, "--wait", "--timeout", _LIMIT)

    def test(self) -> str:
        """Run the chart's test."""
        return self.helm("test", self.name, "--timeout", _LIMIT)

    def uninstall(self) -> str:
        """Uninstall, hooks included."""
        return self.helm("uninstall", self.name, "--wait", "--timeout", _LIMIT)

    def helm(self, *arguments: str) -> str:
        """Run it; raises HelmFailed."""
        done = subprocess.run(
            [assets.program("helm"), *arguments, "--namespace", self.namespace],
            env=os.environ | {"KUBECONFIG": str(self.plane.kubeconfig), "HELM_CACHE_HOME": str(self.plane.folder)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise HelmFailed(done.stdout + done.stderr)
        return done.stdout + done.stderr

    def _with_values(self, verb: str, values: dict[str, Any], *flags: str) -> str:
        file = self.plane.folder / f"{self.namespace}.{self.name}.values.json"
        file.write_text(json.dumps(values))
        return self.helm(verb, self.name, str(CHART), "--values", str(file), "--timeout", _LIMIT, *flags)


def bring_definition(plane: ControlPlane) -> None:
    """Let Helm bring the resource definition to a cluster that has none; the rest of the release goes again."""
    release = Release(plane, "default", "first")
    release.helm("install", release.name, str(CHART), "--no-hooks")
    release.helm("uninstall", release.name, "--no-hooks")
    eventually(lambda: plane.api.serves("SSVNode"), "Helm has brought the definition")


def kubectl(plane: ControlPlane, namespace: str, *arguments: str) -> str:
    """Return what the real kubectl prints."""
    done = subprocess.run(
        [assets.program("kubectl"), "--kubeconfig", plane.kubeconfig, "--namespace", namespace, *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout
