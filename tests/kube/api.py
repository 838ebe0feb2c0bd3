"""Calls to the API server as an administrator, synchronously: plain manifests in, plain objects out."""

from __future__ import annotations

import json
import ssl
from types import TracebackType
from typing import Any, Self

import httpx2

from tests.kube.credentials import Credentials

Manifest = dict[str, Any]
_MERGE = "application/merge-patch+json"
_APPLY = "application/apply-patch+yaml"
_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
_NOT_YET = (httpx2.codes.NOT_FOUND, httpx2.codes.TOO_MANY_REQUESTS, httpx2.codes.SERVICE_UNAVAILABLE)

PLURALS = {
    "SSVNode": "apis/ssv.network/v1alpha1/ssvnodes",
    "CustomResourceDefinition": "apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    "Namespace": "api/v1/namespaces",
    "Node": "api/v1/nodes",
    "Pod": "api/v1/pods",
    "Secret": "api/v1/secrets",
    "ConfigMap": "api/v1/configmaps",
    "Service": "api/v1/services",
    "ServiceAccount": "api/v1/serviceaccounts",
    "Event": "api/v1/events",
    "PersistentVolumeClaim": "api/v1/persistentvolumeclaims",
    "StatefulSet": "apis/apps/v1/statefulsets",
    "Deployment": "apis/apps/v1/deployments",
    "ControllerRevision": "apis/apps/v1/controllerrevisions",
    "ReplicaSet": "apis/apps/v1/replicasets",
    "Job": "apis/batch/v1/jobs",
    "Lease": "apis/coordination.k8s.io/v1/leases",
    "PodDisruptionBudget": "apis/policy/v1/poddisruptionbudgets",
    "NetworkPolicy": "apis/networking.k8s.io/v1/networkpolicies",
    "Role": "apis/rbac.authorization.k8s.io/v1/roles",
    "RoleBinding": "apis/rbac.authorization.k8s.io/v1/rolebindings",
}


class Refused(Exception):
    """The API server's answer is a refusal; the text is its message."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Api:
    """An administrator at one API server."""

    def __init__(self, url: str, credentials: Credentials) -> None:
        context = ssl.create_default_context(cafile=str(credentials.file("ca.crt")))
        context.load_cert_chain(credentials.file("admin.crt"), credentials.file("admin.key"))
        self._client = httpx2.Client(base_url=url, verify=context, timeout=30.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._client.close()

    def is_ready(self) -> bool:
        """Return whether the server takes requests."""
        try:
            return self._client.get("/readyz").status_code == httpx2.codes.OK
        except httpx2.HTTPError:
            return False

    def version(self) -> str:
        """Return the server's version."""
        return str(self._call("GET", "/version")["gitVersion"])

    def create(self, manifest: Manifest, namespace: str | None = None) -> Manifest:
        """Make an object; raises Refused."""
        return self._call("POST", _path(manifest["kind"], namespace), manifest)

    def apply(self, manifest: Manifest, namespace: str | None = None, *, manager: str = "a-person") -> Manifest:
        """Apply an object by force; raises Refused."""
        path = _path(manifest["kind"], namespace, manifest["metadata"]["name"])
        return self._call("PATCH", f"{path}?fieldManager={manager}&force=true", manifest, _APPLY)

    def read(self, kind: str, namespace: str | None, name: str) -> Manifest:
        """Return an object; raises Refused."""
        return self._call("GET", _path(kind, namespace, name))

    def find(self, kind: str, namespace: str | None = None, **labels: str) -> list[Manifest]:
        """Return the objects with these labels (of app.kubernetes.io), in one namespace or in all."""
        chosen = ",".join(f"app.kubernetes.io/{key}={value}" for key, value in labels.items())
        found = self._call("GET", _path(kind, namespace) + (f"?labelSelector={chosen}" if chosen else ""))
        return list(found["items"])

    def names(self, kind: str, namespace: str, **labels: str) -> set[str]:
        """Return the names of the objects with these labels."""
        return {each["metadata"]["name"] for each in self.find(kind, namespace, **labels)}

    def serves(self, kind: str) -> bool:
        """Return whether the server knows a kind by now."""
        try:
            self.find(kind)
        except Refused as refused:
            if refused.status in _NOT_YET:
                return False
            raise
        return True

    def exists(self, kind: str, namespace: str | None, name: str) -> bool:
        """Return whether there is one."""
        try:
            self.read(kind, namespace, name)
        except Refused as refused:
            if refused.status == httpx2.codes.NOT_FOUND:
                return False
            raise
        return True

    def change(self, kind: str, namespace: str | None, name: str, patch: Manifest) -> Manifest:
        """Merge a patch into an object; raises Refused."""
        return self._call("PATCH", _path(kind, namespace, name), patch, _MERGE)

    def change_status(self, kind: str, namespace: str | None, name: str, status: Manifest) -> Manifest:
        """Merge a patch into an object's status; raises Refused."""
        return self._call("PATCH", f"{_path(kind, namespace, name)}/status", {"status": status}, _MERGE)

    def delete(self, kind: str, namespace: str | None, name: str, *, now: bool = False) -> None:
        """Delete an object and what it owns; `now`: a pod without its grace period. Raises Refused."""
        options = {"propagationPolicy": "Background"} | ({"gracePeriodSeconds": 0} if now else {})
        self._call("DELETE", _path(kind, namespace, name), options)

    def bind(self, namespace: str, pod: str, binding: Manifest) -> None:
        """Give a pod to a node, as the scheduler does; raises Refused."""
        self._call("POST", f"{_path('Pod', namespace, pod)}/binding", binding)

    def token(self, namespace: str, account: str) -> str:
        """Return a token of a ServiceAccount, as a kubelet asks for one."""
        path = f"{_path('ServiceAccount', namespace, account)}/token"
        asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 7200}}
        return str(self._call("POST", path, asked)["status"]["token"])

    def table(self, kind: str, namespace: str, name: str) -> dict[str, Any]:
        """Return an object's printer columns, as kubectl shows them, by name."""
        answer = self._client.get(_path(kind, namespace, name), headers={"Accept": _TABLE}).json()
        (row,) = answer["rows"]
        return {column["name"]: cell for column, cell in zip(answer["columnDefinitions"], row["cells"], strict=True)}

    def _call(self, method: str, path: str, body: Manifest | None = None, kind: str = "application/json") -> Manifest:
        content = None if body is None else json.dumps(body)
        answer = self._client.request(method, path, content=content, headers={"Content-Type": kind})
        if answer.is_error:
            said = answer.json() if answer.headers.get("Content-Type", "").startswith("application/json") else {}
            raise Refused(answer.status_code, str(said.get("message", answer.text)))
        found: Manifest = answer.json()
        return found


def _path(kind: str, namespace: str | None, name: str | None = None) -> str:
    group, _, plural = PLURALS[kind].rpartition("/")
    place = f"/{group}/namespaces/{namespace}/{plural}" if namespace else f"/{group}/{plural}"
    return place if name is None else f"{place}/{name}"
