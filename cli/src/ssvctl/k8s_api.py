"""Reading SSVNodes and their pods from a Kubernetes API server. Nothing is ever written.

The names are those of the resource definition (operator/src/ssv_kube/model/names.py); a test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import yaml
from lightkube import Client, KubeConfig
from lightkube.core.exceptions import ConfigError
from lightkube.generic_resource import create_namespaced_resource, get_generic_resource

from ssvctl.errors import SsvctlError

GROUP, VERSION, KIND, PLURAL = "ssv.network", "v1alpha1", "SSVNode", "ssvnodes"
APP_LABEL, APP, NODE_LABEL = "app.kubernetes.io/name", "ssv", "app.kubernetes.io/instance"
Manifest = dict[str, Any]

_CREDENTIALS, _FORBIDDEN, _UNKNOWN = 401, 403, 404
_TIMEOUT = httpx2.Timeout(10.0)


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where to look. `namespace`: none is the context's own."""

    kubeconfig: Path | None = None
    context: str | None = None
    namespace: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The SSVNodes of a namespace and the pods of any of them; `pods` is None where they may not be listed."""

    namespace: str
    nodes: list[Manifest]
    pods: list[Manifest] | None


def read(cluster: Cluster) -> Found:
    """Ask the API server. Raises SsvctlError, which says what to do about it."""
    with _client(cluster) as client:
        namespace = cluster.namespace or client.namespace
        try:
            nodes = _list(client, GROUP, VERSION, KIND, PLURAL, namespace, {})
        except httpx2.HTTPError as error:
            raise SsvctlError(_explained(error, namespace)) from None
        try:
            pods = _list(client, "", "v1", "Pod", "pods", namespace, {APP_LABEL: APP}) if nodes else []
        except httpx2.HTTPError:
            return Found(namespace, nodes, None)
        return Found(namespace, nodes, pods)


def _client(cluster: Cluster) -> Client:
    try:
        config = KubeConfig.from_env() if cluster.kubeconfig is None else KubeConfig.from_file(cluster.kubeconfig)
        return Client(config.get(cluster.context), timeout=_TIMEOUT)
    except ConfigError as error:
        raise SsvctlError(
            f"no cluster to ask: {error}. Name a file in KUBECONFIG or --kubeconfig, a context of it in --context"
        ) from None
    except (KeyError, TypeError, ValueError, AttributeError, OSError, yaml.YAMLError) as error:
        where = cluster.kubeconfig or "the kubeconfig"
        why = " ".join([type(error).__name__, *str(error).splitlines()[:1]])
        raise SsvctlError(f"{where} can't be used ({why}); does kubectl take it?") from None


def _list(
    client: Client, group: str, version: str, kind: str, plural: str, namespace: str, labels: dict[str, str]
) -> list[Manifest]:
    api_version = f"{group}/{version}" if group else version
    # lightkube wants each of its classes to be made once
    known: Any = get_generic_resource(api_version, kind)  # type: ignore[no-untyped-call]
    resource: Any = known or create_namespaced_resource(group, version, kind, plural)
    return [dict(each) for each in client.list(resource, namespace=namespace, labels=dict(labels))]


def _explained(error: httpx2.HTTPError, namespace: str) -> str:
    if not isinstance(error, httpx2.HTTPStatusError):
        return (
            f"the API server can't be reached: {str(error) or type(error).__name__}. Is the kubeconfig's server right?"
        )
    status = error.response.status_code
    if status == _UNKNOWN:
        return f"the cluster knows no {KIND}s; install the chart (helm install ssv), or look at another --context"
    if status == _FORBIDDEN:
        return (
            f"you may not list {PLURAL} in namespace {namespace}; name yours with --namespace, or ask for the verbs "
            f"get and list on {PLURAL}.{GROUP} there"
        )
    if status == _CREDENTIALS:
        return "the API server does not take your credentials; log in to the cluster again"
    return f"the API server answers {status}: {str(error).splitlines()[0]}"
