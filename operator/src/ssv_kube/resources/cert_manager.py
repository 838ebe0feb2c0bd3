"""The same certificates, asked of cert-manager: an authority of the node's own, and a Certificate for each holder.

Source: cert-manager.io, "SelfSigned", "CA", "Certificate resource".
"""

from __future__ import annotations

from typing import Any

from ssv_kube.resources.certificates import CA, holders, host_names
from ssv_kube.resources.mounts import tls_secret
from ssv_kube.resources.node import Node, Surroundings
from ssv_kube.resources.objects import Manifest, child_name, metadata
from ssv_runtime.certificates import CA_LIFE, LEAF_LIFE, URI_SCHEME

API_VERSION = "cert-manager.io/v1"
_KEY = {"algorithm": "ECDSA", "size": 256, "encoding": "PKCS8", "rotationPolicy": "Always"}
_SELF_SIGNED = "self-signed"


def cert_manager(node: Node, around: Surroundings) -> list[Manifest]:
    """Return issuers and certificates; none when the operator issues by itself."""
    if not around.cert_manager:
        return []
    ca = child_name(node, CA)
    return [
        _manifest(node, "Issuer", _SELF_SIGNED, {"selfSigned": {}}),
        _certificate(node, CA, {"isCA": True, "commonName": ca}, ca, _SELF_SIGNED, int(CA_LIFE.total_seconds())),
        _manifest(node, "Issuer", CA, {"ca": {"secretName": ca}}),
        *(_leaf(node, holder) for holder in holders(node)),
    ]


def _leaf(node: Node, holder: str) -> Manifest:
    names = {
        "commonName": holder,
        "dnsNames": [holder, *host_names(node, holder)],
        "uris": [f"{URI_SCHEME}{holder}"],
        "usages": ["digital signature", "server auth", "client auth"],
    }
    return _certificate(node, holder, names, tls_secret(node, holder), CA, int(LEAF_LIFE.total_seconds()))


def _certificate(node: Node, component: str, names: dict[str, Any], secret: str, issuer: str, life_s: int) -> Manifest:
    spec = {
        **names,
        "secretName": secret,
        "duration": f"{life_s // 3600}h",
        "renewBefore": f"{life_s // 3 // 3600}h",
        "privateKey": _KEY,
        "issuerRef": {"kind": "Issuer", "name": child_name(node, issuer)},
    }
    return _manifest(node, "Certificate", component, spec)


def _manifest(node: Node, kind: str, component: str, spec: dict[str, Any]) -> Manifest:
    name = child_name(node, component)
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata(node, name, component), "spec": spec}
