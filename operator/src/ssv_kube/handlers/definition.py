"""The resource definition on the cluster: brought up to this version at the start, because Helm never updates one."""

from __future__ import annotations

from structlog.typing import FilteringBoundLogger

from ssv_kube.errors import ClusterError
from ssv_kube.handlers.cluster import Cluster
from ssv_kube.model.crd import crd


async def apply_definition(cluster: Cluster, log: FilteringBoundLogger) -> bool:
    """Apply it; returns whether that went well."""
    try:
        await cluster.apply(crd())
    except ClusterError as error:
        log.error("the resource definition could not be applied; `kubectl apply -f crds/` does it", reason=str(error))
        return False
    return True
