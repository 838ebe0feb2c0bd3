"""`python -m ssv_kube.hooks.before_delete NAMESPACES NODE LIMIT_S`: let nodes end before their operator goes.

NAMESPACES: with commas between them, the release's own first. NODE: the release's own SSVNode, empty if it has none.
It is deleted and waited for: its operator exports its slashing record and lets it go. SSVNodes that people made
themselves are not deleted for them: while there are any, uninstalling is refused, for nobody would let them go.
Exit status: 0 when none is left, 1 otherwise, with a sentence.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

from ssv_kube.errors import ClusterError
from ssv_kube.handlers.cluster import Cluster
from ssv_kube.handlers.kinds import NODE

_LOOK_S = 2.0
Place = tuple[str, str]


def others_of(found: Sequence[Place], own: Place | None) -> list[str]:
    """Return the nodes that are not the release's own, as namespace/name."""
    return sorted(f"{namespace}/{name}" for namespace, name in found if (namespace, name) != own)


async def end_nodes(cluster: Cluster, namespaces: Sequence[str], node: str, limit_s: float) -> str | None:
    """Delete the release's node and wait until it is gone; returns why that could not be, None when all is well."""
    own = (namespaces[0], node) if node else None
    others = others_of([(each, name) for each in namespaces for name in await _names(cluster, each)], own)
    if others:
        return (
            f"there are SSVNodes that this release did not make: {', '.join(others)}. Delete them first "
            "(kubectl delete ssvnode): without an operator nobody would export their slashing records and let them go"
        )
    if own is None:
        return None
    await cluster.delete(NODE, *own)
    ends_s = asyncio.get_running_loop().time() + limit_s
    while asyncio.get_running_loop().time() < ends_s:
        found = await cluster.read(NODE, *own)
        if found is None:
            return None
        sys.stdout.write(f"{node}: {found.get('status', {}).get('message') or 'is being deleted'}\n")
        await asyncio.sleep(_LOOK_S)
    return f"SSVNode {node} did not end in {limit_s:g} s; kubectl describe ssvnode {node} says what it waits for"


async def _names(cluster: Cluster, namespace: str) -> list[str]:
    return [each["metadata"]["name"] for each in await cluster.find(NODE, namespace, {})]


async def _run(arguments: Sequence[str]) -> int:
    namespaces, node, limit_s = arguments
    cluster = Cluster()
    try:
        trouble = await end_nodes(cluster, namespaces.split(","), node, float(limit_s))
    except ClusterError as error:
        trouble = str(error)
    finally:
        await cluster.close()
    if trouble is not None:
        sys.stderr.write(f"{trouble}\n")
    return 0 if trouble is None else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(_run(sys.argv[1:])))
