"""One namespace with an operator, installed by Helm and run from its Deployment: where a test's nodes live."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ssv_kube.resources.objects import OPERATOR_APP
from tests.kube.api import Api, Manifest, Refused
from tests.kube.audit import Request
from tests.kube.kubelet import Kubelet
from tests.kube.nodes import namespace, network_map
from tests.kube.release import Release
from tests.kube.waiting import eventually

OPERATOR = {"replicas": 1, "resyncSeconds": 1, "exportLimitSeconds": 5}


@dataclass(frozen=True, slots=True)
class Site:
    """The place, and who is there."""

    api: Api
    kubelet: Kubelet
    release: Release

    @property
    def place(self) -> str:
        """The namespace."""
        return self.release.namespace

    def make(self, node: Manifest) -> str:
        """Make a node; returns its name."""
        return str(self.api.create(node, self.place)["metadata"]["name"])

    def node(self, name: str) -> Manifest:
        """Return a node as it is."""
        return self.api.read("SSVNode", self.place, name)

    def change(self, name: str, **spec: Any) -> int:
        """Change its spec; returns the new generation."""
        changed = self.api.change("SSVNode", self.place, name, {"spec": spec})
        return int(changed["metadata"]["generation"])

    def annotate(self, name: str, **annotations: str | None) -> None:
        """Set annotations of ssv.network; None takes one away. Underlines stand for hyphens."""
        made = {f"ssv.network/{key.replace('_', '-')}": value for key, value in annotations.items()}
        self.api.change("SSVNode", self.place, name, {"metadata": {"annotations": made}})

    def status(self, name: str) -> dict[str, Any]:
        """Return its status."""
        found: dict[str, Any] = self.node(name).get("status", {})
        return found

    def condition(self, name: str, kind: str) -> dict[str, Any]:
        """Return one condition; empty when it is not there yet."""
        return next((each for each in self.status(name).get("conditions", ()) if each["type"] == kind), {})

    def until(self, name: str, kind: str, status: str) -> dict[str, Any]:
        """Return a condition, once it has a status."""
        eventually(lambda: self.condition(name, kind).get("status") == status, f"{kind} of {name} is {status}")
        return self.condition(name, kind)

    def until_phase(self, name: str, phase: str) -> dict[str, Any]:
        """Return a status, once it has a phase."""
        eventually(lambda: self.status(name).get("phase") == phase, f"{name} is {phase}")
        return self.status(name)

    def children(self, kind: str, name: str) -> set[str]:
        """Return the names of a node's children of a kind."""
        return self.api.names(kind, self.place, instance=name)

    def events(self, name: str) -> dict[str, str]:
        """Return what was last said about a node, by reason."""
        found = self.api.find("Event", self.place)
        return {each["reason"]: each["message"] for each in found if each["involvedObject"]["name"] == name}

    def gone(self, name: str) -> bool:
        """Return whether a node is no more."""
        return not self.api.exists("SSVNode", self.place, name)

    def operator_requests(self) -> list[Request]:
        """Return what the operator has asked the API server for until now."""
        return self.release.plane.audit.requests(self.place, OPERATOR_APP)

    def operator_turns(self, name: str, turns: int) -> None:
        """Wait until the operator has looked at a node some more times: each time it says how the node stands."""

        def said() -> int:
            done = self.operator_requests()
            return sum(each.resource == "ssvnodes/status" and each.name == name for each in done)

        enough = said() + turns
        eventually(lambda: said() >= enough, f"{turns} turns")

    def end(self, name: str) -> None:
        """Delete a node without its record and wait until it is gone with its children."""
        try:
            self.annotate(name, skip_slashing_export="true")
            self.api.delete("SSVNode", self.place, name)
        except Refused as refused:
            if refused.status != 404:
                raise
        eventually(lambda: self.gone(name), f"{name} is gone")
        eventually(lambda: not self.api.find("Pod", self.place, instance=name), f"the pods of {name} are gone")


@contextmanager
def a_site(api: Api, kubelet: Kubelet, release: Release, **values: Any) -> Iterator[Site]:
    """Install a release in a new namespace; uninstall it and remove the namespace on the way out."""
    place = release.namespace
    api.create(namespace(place))
    eventually(lambda: "default" in api.names("ServiceAccount", place), "the namespace has accounts")
    api.create(network_map(), place)
    release.install({"operator": OPERATOR, "uninstall": {"limitSeconds": 60}, **values})
    site = Site(api, kubelet, release)
    try:
        yield site
    finally:
        for node in api.names("SSVNode", place):
            site.end(node)
        release.uninstall()
        api.delete("Namespace", None, place)
