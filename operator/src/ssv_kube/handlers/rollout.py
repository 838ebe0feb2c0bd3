"""Upgrades: one component after the other, each when those before it run again.

The order is that of need (`sizing.COMPONENTS`). A node that is made for the first time starts all at once. A component
that does not come back holds up the others for a while only: the change that mends it may be among them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ssv_kube.handlers.drift import MANIFEST_HASH, Key, digest_of, key_of
from ssv_kube.resources.objects import COMPONENT, Manifest
from ssv_kube.resources.sizing import COMPONENTS

WORKLOADS = ("StatefulSet", "Deployment")
PATIENCE_S = 600.0


def allowed(wanted: Sequence[Manifest], live: Mapping[Key, Manifest], waited_s: float) -> list[Manifest]:
    """Return which manifests may be applied now. `waited_s`: how long an upgrade has been held up."""
    held: set[Key] = set()
    busy = False
    for each in sorted(filter(_is_workload, wanted), key=_order):
        there = live.get(key_of(each))
        if busy and there is not None and _is_other(each, there):
            held.add(key_of(each))
        if there is not None and (_is_other(each, there) or (not is_rolled_out(there) and waited_s < PATIENCE_S)):
            busy = True
    return [each for each in wanted if key_of(each) not in held]


def is_rolled_out(live: Manifest) -> bool:
    """Return whether all pods of a workload are of its latest template and ready."""
    status, wanted = live.get("status", {}), live["spec"].get("replicas", 1)
    return bool(
        status.get("observedGeneration", 0) >= live["metadata"].get("generation", 0)
        and status.get("updatedReplicas", 0) >= wanted
        and status.get("readyReplicas", 0) >= wanted
    )


def held_back(wanted: Sequence[Manifest], now: Sequence[Manifest]) -> list[str]:
    """Return the components that wait for their turn."""
    let_through = {key_of(each) for each in now}
    return [each["metadata"]["labels"][COMPONENT] for each in wanted if key_of(each) not in let_through]


def _is_workload(manifest: Manifest) -> bool:
    return manifest["kind"] in WORKLOADS


def _order(manifest: Manifest) -> int:
    return COMPONENTS.index(manifest["metadata"]["labels"][COMPONENT])


def _is_other(wanted: Manifest, live: Manifest) -> bool:
    applied: object = live["metadata"].get("annotations", {}).get(MANIFEST_HASH)
    return applied != digest_of(wanted)
