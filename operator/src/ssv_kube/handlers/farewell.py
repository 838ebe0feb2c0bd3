"""How a node ends: nobody asks its signer any more, then the signer's slashing record is put away, then it may go.

The record goes into Secrets that outlive the node: each is a whole file in the interchange format (EIP-3076) with some
of the keys, because a Secret holds a megabyte. `ssvctl slashing import` takes them one after the other.

Invariant: no record is exported while a worker could still have something signed. Not guaranteed: that there is an
export: after a time limit the node goes without, for a signer that is broken must not hold it for ever. Its volumes
stay in any case.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

import grpc
import grpc.aio

from ssv_api.v1.signer_pb2_grpc import SignerStub
from ssv_kube.errors import NotYet
from ssv_kube.handlers.cluster import Cluster
from ssv_kube.handlers.kinds import POD
from ssv_kube.handlers.secrets import Content, content
from ssv_kube.model.names import GROUP
from ssv_kube.resources.certificates import CA_KEY, CERTIFICATE_KEY, PRIVATE_KEY_KEY
from ssv_kube.resources.mounts import tls_secret
from ssv_kube.resources.node import Node
from ssv_kube.resources.objects import Manifest, child_name, selector
from ssv_kube.resources.ports import GRPC
from ssv_kube.resources.workloads import STATELESS
from ssv_protocol.signing import interchange
from ssv_protocol.signing.interchange import Interchange
from ssv_runtime.names import CLI, SIGNER
from ssv_runtime.rpc.failure import RpcFailure
from ssv_runtime.rpc.limits import client_options
from ssv_runtime.slashing_client import export_from

if TYPE_CHECKING:
    from ssv_api.v1.signer_pb2_grpc import SignerAsyncStub

RECORD_LABEL: Final = f"{GROUP}/slashing-record-of"
SKIP_EXPORT: Final = f"{GROUP}/skip-slashing-export"
"""Annotation: "true" lets a node go at once, without its record."""
FILE: Final = "slashing.json"
_KEYS_A_SECRET: Final = 1000


async def put_away(cluster: Cluster, node: Node, target: str | None = None) -> list[str]:
    """Export the record; returns the names of the Secrets with it.

    Raises:
        NotYet: workers still run, or the signer can't be asked.
        ClusterError: the API refuses.
    """
    for service in STATELESS:
        if await cluster.find(POD, node.namespace, selector(node, service)):
            raise NotYet("Draining", f"pods of {service} still finish what they have begun")
    certificate = await content(cluster, node, tls_secret(node, CLI))
    if certificate is None:
        raise NotYet("NoCertificate", f"Secret {tls_secret(node, CLI)} is gone, with which the signer is asked")
    record = await export_record(target or f"dns:///{child_name(node, SIGNER)}.{node.namespace}:{GRPC}", certificate)
    made = record_secrets(node, record)
    for each in made:
        await cluster.apply(each)
    return [each["metadata"]["name"] for each in made]


def record_secrets(node: Node, record: Interchange) -> list[Manifest]:
    """Return the Secrets with a record, which nobody owns."""
    parts = _parts(record)
    return [_secret(node, number, each) for number, each in enumerate(parts)]


def is_overdue(body: Manifest, now: datetime, limit_s: float) -> bool:
    """Return whether a node that is being deleted has waited long enough for its record, or need not wait."""
    metadata = body["metadata"]
    if metadata.get("annotations", {}).get(SKIP_EXPORT) == "true":
        return True
    since = datetime.fromisoformat(metadata["deletionTimestamp"].replace("Z", "+00:00"))
    return (now - since).total_seconds() >= limit_s


def _parts(record: Interchange) -> Sequence[Interchange]:
    starts = range(0, max(1, len(record.keys)), _KEYS_A_SECRET)
    return [replace(record, keys=record.keys[start : start + _KEYS_A_SECRET]) for start in starts]


def _secret(node: Node, number: int, part: Interchange) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": f"{child_name(node, 'slashing')}-{node.uid[:8]}-{number}",
            "namespace": node.namespace,
            "labels": {RECORD_LABEL: node.name},
        },
        "type": "Opaque",
        "data": {FILE: b64encode(interchange.encode(part)).decode()},
    }


async def export_record(target: str, certificate: Content) -> Interchange:
    """Return what the signer at `target` has on record, asked as the cli; raises NotYet."""
    credentials = grpc.ssl_channel_credentials(
        certificate[CA_KEY], certificate[PRIVATE_KEY_KEY], certificate[CERTIFICATE_KEY]
    )
    try:
        async with grpc.aio.secure_channel(target, credentials, client_options(SIGNER)) as channel:
            signer: SignerAsyncStub = SignerStub(channel)
            return await export_from(signer)
    except grpc.aio.AioRpcError as error:
        raise NotYet(
            "SignerNotReached", f"the signer gives no slashing record: {RpcFailure.of(error).detail}"
        ) from None
