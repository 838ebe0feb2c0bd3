"""Where the API listens and who may call it: loopback in plain, anywhere else only with certificates of both ends.

Whoever may call can have anything signed that no rule refuses. On loopback that is every process of the machine; pages
in a browser on it are kept out, because they can set neither the Host header nor this content type without being asked.

Source: architecture §3 (mTLS); RFC 6454 for what a browser may send.
"""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ssv_runtime.certificates import URI_SCHEME
from ssv_signer.errors import StartRefused
from ssv_signer.settings import SignerSettings

_LOCALHOST = "localhost"


@dataclass(frozen=True, slots=True)
class Listening:
    """An address. Without `tls` it is of this machine only; `callers` are names in certificates."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    callers: frozenset[str]

    @property
    def urls_host(self) -> str:
        """The host as it stands in a URL."""
        return f"[{self.host}]" if ":" in self.host else self.host


def listening(settings: SignerSettings) -> Listening | None:
    """Return where to listen, None for nowhere; raises StartRefused."""
    if not settings.remote_api_listen:
        return None
    host, port = _address(settings.remote_api_listen)
    if not settings.remote_api_tls:
        if not is_loopback(host):
            raise StartRefused(
                f"remote_api_listen: {host} is not this machine alone, and without TLS anybody there could have "
                "anything signed; set remote_api_tls = true and remote_api_callers, or listen on 127.0.0.1"
            )
        return Listening(host, port, None, frozenset())
    if not settings.remote_api_callers:
        raise StartRefused("remote_api_callers: name the callers' certificates; nobody may call otherwise")
    return Listening(host, port, _tls(settings), frozenset(settings.remote_api_callers))


def is_loopback(host: str) -> bool:
    """Tell whether an address or name is of this machine alone."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == _LOCALHOST


def host_of(header: str) -> str:
    """Return the host of a Host header, without its port."""
    host, _, port = header.rpartition(":")
    return host if host and port.isdecimal() else header


def caller_in(certificate: Mapping[str, Any] | None, callers: Collection[str]) -> str | None:
    """Return which of `callers` a certificate names, as `ssv://<name>` or as a DNS name; None if none."""
    for kind, name in (certificate or {}).get("subjectAltName", ()):
        known = name.removeprefix(URI_SCHEME) if kind == "URI" and name.startswith(URI_SCHEME) else name
        if kind in ("URI", "DNS") and known in callers:
            return str(known)
    return None


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise StartRefused(f"remote_api_listen: {text} is no address; write host:port, such as 127.0.0.1:9000")
    return host.strip("[]"), int(port)


def _tls(settings: SignerSettings) -> ssl.SSLContext:
    authority = settings.remote_api_ca or settings.tls_ca
    try:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority)
        context.load_cert_chain(settings.tls_cert, settings.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise StartRefused(f"remote_api_tls: the certificates can't be used ({error.strerror or error})") from None
    context.verify_mode = ssl.CERT_REQUIRED
    return context
