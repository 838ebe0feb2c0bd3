"""`python -m ssv_kube.hooks.release_test NAMESPACE NODE`: `helm test`: an operator leads, and the node is Ready.

NODE is the release's own SSVNode, empty if it has none. Exit status: 0 when all is well, 1 otherwise, with a line for
everything that is not.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

from ssv_kube.errors import ClusterError
from ssv_kube.handlers.cluster import Cluster
from ssv_kube.handlers.kinds import LEASE, NODE
from ssv_kube.handlers.leader import LEASE_NAME
from ssv_kube.model.status import READY
from ssv_kube.resources.objects import Manifest


def troubles(lease: Manifest | None, wanted: str, node: Manifest | None) -> list[str]:
    """Return what is not well. `wanted`: the release's node, `node`: what there is of it."""
    found = []
    if lease is None or not lease["spec"].get("holderIdentity"):
        found.append("no operator leads: see the log of the pods of Deployment ssv-operator")
    if wanted and node is None:
        found.append(f"SSVNode {wanted} does not exist: see helm status")
    if node is not None:
        conditions = {each["type"]: each for each in node.get("status", {}).get("conditions", ())}
        ready = conditions.get(READY, {"status": "Unknown", "message": "the operator has not looked at it yet"})
        if ready["status"] != "True":
            found.append(f"SSVNode {wanted} is not Ready: {ready['message']}")
    return found


async def _run(arguments: Sequence[str]) -> int:
    namespace, name = arguments
    cluster = Cluster()
    try:
        lease = await cluster.read(LEASE, namespace, LEASE_NAME)
        found = troubles(lease, name, await cluster.read(NODE, namespace, name) if name else None)
    except ClusterError as error:
        found = [str(error)]
    finally:
        await cluster.close()
    for line in found or ["an operator leads, and what it looks after is Ready"]:
        sys.stdout.write(f"{line}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(_run(sys.argv[1:])))
