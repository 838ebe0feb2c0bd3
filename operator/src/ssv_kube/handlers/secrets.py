"""The node's Secrets: certificates and passwords are read, kept as long as they are good, and made when they are not.

Secrets are read by their names. Invariant: what is secret is in no log and no event.
"""

from __future__ import annotations

import secrets as chance
from base64 import b64decode
from datetime import datetime

from ssv_kube.handlers.cluster import Cluster
from ssv_kube.handlers.drift import marked
from ssv_kube.handlers.kinds import SECRET
from ssv_kube.resources.bus_passwords import passwords, passwords_secret
from ssv_kube.resources.certificates import (
    CA,
    authority,
    authority_secret,
    certificate,
    certificate_hash,
    certificate_secret,
    holders,
)
from ssv_kube.resources.mounts import bus_secret, tls_secret
from ssv_kube.resources.nats import configuration_secret
from ssv_kube.resources.node import Node
from ssv_kube.resources.objects import MANAGED_BY, MANAGER, Manifest, child_name
from ssv_kube.resources.sizing import NATS, has_nats

Content = dict[str, bytes]
_PASSWORD_BYTES = 32


async def keep_secrets(cluster: Cluster, node: Node, now: datetime, *, cert_manager: bool) -> dict[str, str]:
    """Make the Secrets what they should be; returns the hash of each holder's certificate. Raises ClusterError."""
    if has_nats(node):
        kept = await content(cluster, node, bus_secret(node))
        by_service = passwords(kept, lambda: chance.token_urlsafe(_PASSWORD_BYTES))
        await _apply(cluster, node, passwords_secret(node, by_service))
        await _apply(cluster, node, configuration_secret(node, by_service))
    if not cert_manager:
        await _issue(cluster, node, now)
    hashes = {each: certificate_hash(await content(cluster, node, tls_secret(node, each))) for each in holders(node)}
    await _prune(cluster, node)
    return hashes


async def content(cluster: Cluster, node: Node, name: str) -> Content | None:
    """Return what is in a Secret; None when there is none."""
    found = await cluster.read(SECRET, node.namespace, name)
    return None if found is None else {key: b64decode(value) for key, value in found.get("data", {}).items()}


async def _issue(cluster: Cluster, node: Node, now: datetime) -> None:
    ca = authority(await content(cluster, node, child_name(node, CA)), now)
    await _apply(cluster, node, authority_secret(node, ca))
    for holder in holders(node):
        kept = await content(cluster, node, tls_secret(node, holder))
        await _apply(cluster, node, certificate_secret(node, holder, ca, certificate(node, holder, ca, kept, now)))


async def _apply(cluster: Cluster, node: Node, manifest: Manifest) -> None:
    live = await cluster.read(SECRET, node.namespace, manifest["metadata"]["name"])
    if live is None or live.get("data") != manifest["data"]:
        await cluster.apply(marked(manifest))


async def _prune(cluster: Cluster, node: Node) -> None:
    if has_nats(node):
        return
    for name in (bus_secret(node), child_name(node, NATS), tls_secret(node, NATS)):
        found = await cluster.read(SECRET, node.namespace, name)
        if found is not None and found["metadata"].get("labels", {}).get(MANAGED_BY) == MANAGER:
            await cluster.delete(SECRET, node.namespace, name)
