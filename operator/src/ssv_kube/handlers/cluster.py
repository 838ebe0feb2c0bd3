"""The Kubernetes API, as much of it as this operator needs: plain manifests in, plain objects out.

lightkube does the talking: it has server-side apply, reads the pod's own token or a kubeconfig, is typed and small.

Invariant: what is applied is applied with our field manager and by force: the fields that we write are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, cast

import httpx2
from lightkube import AsyncClient
from lightkube.core.exceptions import ApiError
from lightkube.generic_resource import create_global_resource, create_namespaced_resource, get_generic_resource
from lightkube.types import CascadeType, PatchType

from ssv_kube.errors import ClusterError, Conflict
from ssv_kube.handlers.kinds import NODE, Kind, kind_of
from ssv_kube.resources.objects import MANAGER, Manifest

_GONE = 404
_CONFLICT = 409


class Cluster:
    """Calls to one API server. Every method raises ClusterError when it can't be reached or refuses."""

    def __init__(self, client: AsyncClient | None = None) -> None:
        self._client = client or AsyncClient(field_manager=MANAGER)

    async def close(self) -> None:
        """End the connections."""
        await self._client.close()

    async def apply(self, manifest: Manifest) -> Manifest:
        """Make or change an object so that it has what the manifest says; returns it as it is now."""
        made = _resource(kind_of(manifest))(manifest)
        try:
            return cast(Manifest, await self._client.apply(made, field_manager=MANAGER, force=True))
        except (ApiError, httpx2.HTTPError) as error:
            raise _failure(error, f"apply {manifest['kind']} {manifest['metadata']['name']}") from None

    async def read(self, kind: Kind, namespace: str | None, name: str) -> Manifest | None:
        """Return an object; None when there is none."""
        place: dict[str, Any] = {"namespace": namespace} if kind.namespaced else {}
        try:
            return cast(Manifest, await self._client.get(_resource(kind), name, **place))
        except (ApiError, httpx2.HTTPError) as error:
            if _status(error) == _GONE:
                return None
            raise _failure(error, f"read {kind.name} {name}") from None

    async def find(self, kind: Kind, namespace: str, labels: Mapping[str, str]) -> list[Manifest]:
        """Return the objects with these labels."""
        try:
            found = self._client.list(_resource(kind), namespace=namespace, labels=dict(labels))
            return [cast(Manifest, each) async for each in found]
        except (ApiError, httpx2.HTTPError) as error:
            raise _failure(error, f"list {kind.plural}") from None

    async def delete(self, kind: Kind, namespace: str, name: str) -> None:
        """Delete an object and what it owns; nothing happens when there is none."""
        try:
            await self._client.delete(_resource(kind), name, namespace=namespace, cascade=CascadeType.BACKGROUND)
        except (ApiError, httpx2.HTTPError) as error:
            if _status(error) != _GONE:
                raise _failure(error, f"delete {kind.name} {name}") from None

    async def serves(self, kind: Kind, namespace: str) -> bool:
        """Return whether the cluster knows a kind."""
        try:
            await self.find(kind, namespace, {})
        except ClusterError as error:
            if error.status == _GONE:
                return False
            raise
        return True

    async def create(self, manifest: Manifest) -> Manifest:
        """Make an object; raises Conflict when there is one already."""
        try:
            return cast(Manifest, await self._client.create(_resource(kind_of(manifest))(manifest)))
        except (ApiError, httpx2.HTTPError) as error:
            raise _failure(error, f"create {manifest['kind']} {manifest['metadata']['name']}") from None

    async def replace(self, manifest: Manifest) -> Manifest:
        """Replace an object; raises Conflict when it is no longer of the manifest's resourceVersion."""
        try:
            return cast(Manifest, await self._client.replace(_resource(kind_of(manifest))(manifest)))
        except (ApiError, httpx2.HTTPError) as error:
            raise _failure(error, f"replace {manifest['kind']} {manifest['metadata']['name']}") from None

    async def set_status(self, namespace: str, name: str, status: Mapping[str, Any]) -> None:
        """Say how a node stands; nothing happens when it is gone. Fields that are left out stay."""
        try:
            await self._client.patch(
                _resource(NODE).Status, name, {"status": dict(status)}, namespace=namespace, patch_type=PatchType.MERGE
            )
        except (ApiError, httpx2.HTTPError) as error:
            if _status(error) != _GONE:
                raise _failure(error, f"write the status of {name}") from None


@cache
def _resource(kind: Kind) -> Any:
    """Return lightkube's class for a kind, of which there may be one in a process, whoever made it."""
    api_version = f"{kind.group}/{kind.version}" if kind.group else kind.version
    known: Any = get_generic_resource(api_version, kind.name)  # type: ignore[no-untyped-call]
    if known is not None:
        return known
    create = create_namespaced_resource if kind.namespaced else create_global_resource
    return create(kind.group, kind.version, kind.name, kind.plural)


def _status(error: Exception) -> int | None:
    return error.response.status_code if isinstance(error, httpx2.HTTPStatusError) else None


def _failure(error: Exception, doing: str) -> ClusterError:
    status = _status(error)
    said = str(error).splitlines()
    text = f"{doing}: {said[0] if said else type(error).__name__}"
    return Conflict(text, status) if status == _CONFLICT else ClusterError(text, status)
