"""Who needs a certificate, for which names, and when it is renewed; the same whoever issues it.

Invariant: a certificate is renewed with a third of its life left, and all are renewed when the authority is another.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from ssv_kube.resources.mounts import tls_secret
from ssv_kube.resources.node import Node
from ssv_kube.resources.objects import Manifest, child_name, secret
from ssv_kube.resources.settings_files import nats_servers
from ssv_kube.resources.sizing import NATS, SERVICES, has_nats
from ssv_runtime.certificates import KeyPair, issue, make_ca
from ssv_runtime.names import CLI

CA: Final = "ca"
CERTIFICATE_KEY: Final = "tls.crt"
PRIVATE_KEY_KEY: Final = "tls.key"
CA_KEY: Final = "ca.crt"
_RENEWED_WITH_LEFT: Final = 1 / 3

SecretData = Mapping[str, bytes]


def holders(node: Node) -> tuple[str, ...]:
    """Return who has a certificate."""
    return (*SERVICES, CLI, *((NATS,) if has_nats(node) else ()))


def host_names(node: Node, holder: str) -> list[str]:
    """Return the names by which a holder is dialled, besides its own."""
    name = child_name(node, holder)
    dialled = [name, f"{name}.{node.namespace}", f"{name}.{node.namespace}.svc"]
    return [*dialled, *nats_servers(node)] if holder == NATS else dialled


def authority(current: SecretData | None, now: datetime) -> KeyPair:
    """Return the authority in a Secret, or a new one when there is none or it is about to end."""
    pair = _pair(current)
    return make_ca(now) if pair is None or _is_due(pair, now) else pair


def certificate(node: Node, holder: str, ca: KeyPair, current: SecretData | None, now: datetime) -> KeyPair:
    """Return the holder's certificate in a Secret, or a new one when that is missing, due or for other names."""
    pair = _pair(current)
    names = host_names(node, holder)
    if pair is None or current is None or current.get(CA_KEY) != ca.certificate or _is_due(pair, now):
        return issue(ca, holder, now, names)
    return pair if set(names) <= _dns_names(pair) else issue(ca, holder, now, names)


def authority_secret(node: Node, ca: KeyPair) -> Manifest:
    """Return the Secret of the own authority."""
    return _secret(node, child_name(node, CA), CA, ca, ca)


def certificate_secret(node: Node, holder: str, ca: KeyPair, pair: KeyPair) -> Manifest:
    """Return the Secret that a holder's pods mount."""
    return _secret(node, tls_secret(node, holder), holder, ca, pair)


def certificate_hash(current: SecretData | None) -> str:
    """Return what changes when a Secret's certificate or authority changes; empty while there is none."""
    if current is None or CERTIFICATE_KEY not in current:
        return ""
    return sha256(current[CERTIFICATE_KEY] + b"\0" + current.get(CA_KEY, b"")).hexdigest()[:16]


def _secret(node: Node, name: str, component: str, ca: KeyPair, pair: KeyPair) -> Manifest:
    content = {CERTIFICATE_KEY: pair.certificate, PRIVATE_KEY_KEY: pair.private_key, CA_KEY: ca.certificate}
    return secret(node, name, component, content, "kubernetes.io/tls")


def _pair(data: SecretData | None) -> KeyPair | None:
    if data is None or CERTIFICATE_KEY not in data or PRIVATE_KEY_KEY not in data:
        return None
    try:
        x509.load_pem_x509_certificate(data[CERTIFICATE_KEY])
        serialization.load_pem_private_key(data[PRIVATE_KEY_KEY], password=None)
    except ValueError:
        return None
    return KeyPair(data[CERTIFICATE_KEY], data[PRIVATE_KEY_KEY])


def _is_due(pair: KeyPair, now: datetime) -> bool:
    found = x509.load_pem_x509_certificate(pair.certificate)
    life = found.not_valid_after_utc - found.not_valid_before_utc
    return found.not_valid_after_utc - now < life * _RENEWED_WITH_LEFT


def _dns_names(pair: KeyPair) -> set[str]:
    found = x509.load_pem_x509_certificate(pair.certificate)
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return set(names.get_values_for_type(x509.DNSName))
