"""What has to be applied and what deleted, so that the cluster has what is wanted.

An object is applied when its manifest is another than was applied last, or when somebody has changed or removed it
since. Applying everything each time would be right too, but dozens of nodes with dozens of children are many requests.

Pure, but for the memory that the caller hands in. Invariant: only what carries our labels is ever deleted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from ssv_kube.resources.objects import MANAGED_BY, MANAGER, Manifest

Key = tuple[str, str]
"""Kind and name: a node's children share one namespace."""
MANIFEST_HASH: Final = "ssv.network/manifest-hash"


@dataclass(frozen=True, slots=True)
class Applied:
    """What was applied last (`digest`), and which edition of the object came of it."""

    digest: str
    edition: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What to do."""

    apply: list[Manifest] = field(default_factory=list)
    delete: list[Manifest] = field(default_factory=list)


def key_of(manifest: Manifest) -> Key:
    """Return what tells a child from the node's others."""
    return manifest["kind"], manifest["metadata"]["name"]


def marked(manifest: Manifest) -> Manifest:
    """Return the manifest with its digest as an annotation, by which another process sees what was applied."""
    annotations = manifest["metadata"].get("annotations", {}) | {MANIFEST_HASH: digest_of(manifest)}
    return manifest | {"metadata": manifest["metadata"] | {"annotations": annotations}}


def digest_of(manifest: Manifest) -> str:
    """Return what changes when the manifest does."""
    return sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()[:16]


def edition_of(live: Manifest) -> str:
    """Return what changes when somebody changes the object: its generation, or where it has none its version."""
    return str(live["metadata"].get("generation") or live["metadata"].get("resourceVersion", ""))


def changes(wanted: Iterable[Manifest], live: Mapping[Key, Manifest], applied: Mapping[Key, Applied]) -> Changes:
    """Return what to do. `live`: the node's objects that are there; `applied`: what this process applied to them."""
    found = Changes()
    names = set()
    for each in wanted:
        key = key_of(each)
        names.add(key)
        there = live.get(key)
        if there is None or applied.get(key) != Applied(digest_of(each), edition_of(there)):
            found.apply.append(each)
    found.delete.extend(each for key, each in live.items() if key not in names and _is_ours(each))
    return found


def _is_ours(live: Manifest) -> bool:
    is_leaving = "deletionTimestamp" in live["metadata"]
    return not is_leaving and live["metadata"].get("labels", {}).get(MANAGED_BY) == MANAGER
