"""The kinds of objects that this operator touches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ssv_kube.model.names import CRD_NAME, GROUP, KIND, PLURAL, VERSION
from ssv_kube.resources.objects import Manifest


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of objects, as the API names it."""

    group: str
    version: str
    name: str
    plural: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """Group and version, as manifests have them."""
        return f"{self.group}/{self.version}" if self.group else self.version


NODE: Final = Kind(GROUP, VERSION, KIND, PLURAL)
CRD: Final = Kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", False)
LEASE: Final = Kind("coordination.k8s.io", "v1", "Lease", "leases")
POD: Final = Kind("", "v1", "Pod", "pods")
SECRET: Final = Kind("", "v1", "Secret", "secrets")
CONFIG_MAP: Final = Kind("", "v1", "ConfigMap", "configmaps")
STATEFUL_SET: Final = Kind("apps", "v1", "StatefulSet", "statefulsets")
DEPLOYMENT: Final = Kind("apps", "v1", "Deployment", "deployments")
SERVICE: Final = Kind("", "v1", "Service", "services")

CHILDREN: Final = (
    Kind("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies"),
    Kind("", "v1", "ServiceAccount", "serviceaccounts"),
    CONFIG_MAP,
    SERVICE,
    Kind("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets"),
    STATEFUL_SET,
    DEPLOYMENT,
)
"""Kinds whose objects are listed, compared and pruned. Secrets are not listed but read by name: nobody needs to see
all Secrets of a namespace."""
CERT_MANAGER: Final = (
    Kind("cert-manager.io", "v1", "Issuer", "issuers"),
    Kind("cert-manager.io", "v1", "Certificate", "certificates"),
)
PROMETHEUS: Final = (Kind("monitoring.coreos.com", "v1", "ServiceMonitor", "servicemonitors"),)
OPTIONAL: Final = (*CERT_MANAGER, *PROMETHEUS)
"""Kinds of others, which a cluster may not have."""
CRD_OF_NODES: Final = CRD_NAME

_BY_NAME: Final = {(each.api_version, each.name): each for each in (*CHILDREN, *OPTIONAL, SECRET, CRD, LEASE, NODE)}


def kind_of(manifest: Manifest) -> Kind:
    """Return the kind of a manifest; raises KeyError when it is none of ours."""
    return _BY_NAME[manifest["apiVersion"], manifest["kind"]]
