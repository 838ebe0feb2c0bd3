"""Where the external store is, and how it knows the signer: read from the settings, refused when it would be unsafe."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ssv_signer.errors import StartRefused
from ssv_signer.remote.listening import is_loopback
from ssv_signer.settings import SignerSettings


@dataclass(frozen=True, slots=True)
class StorePlace:
    """`url` has no slash at its end; `tls` is None for plain HTTP. The bearer token is read from its file when used."""

    url: str
    tls: ssl.SSLContext | None
    bearer_file: Path | None
    timeout_s: float
    connections: int


def store_place(settings: SignerSettings) -> StorePlace:
    """Return the place of the settings; raises StartRefused."""
    url = settings.remote_share_store_url.rstrip("/")
    try:
        parts = urlsplit(url)
        host = parts.hostname if parts.port != 0 else None
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https") or parts.query or parts.fragment or parts.username:
        raise StartRefused(
            "remote_share_store_url: must be set with share_store = remote, such as https://web3signer.example:9000; "
            "credentials go into remote_share_store_bearer_file or a certificate"
        )
    if parts.scheme == "http" and not is_loopback(host):
        raise StartRefused(
            f"remote_share_store_url: {host} is not this machine, and without TLS anybody between could answer for "
            "the store and read the token; use https"
        )
    tls = _tls(settings) if parts.scheme == "https" else None
    place = StorePlace(
        url,
        tls,
        settings.remote_share_store_bearer_file,
        settings.remote_share_store_timeout_s,
        settings.remote_share_store_connections,
    )
    bearer(place)
    return place


def bearer(place: StorePlace) -> str | None:
    """Return the token of the file, None without a file; raises StartRefused."""
    if place.bearer_file is None:
        return None
    try:
        token = place.bearer_file.read_text("ascii").strip()
    except OSError as error:
        raise StartRefused(f"remote_share_store_bearer_file {place.bearer_file}: {error.strerror}") from None
    except UnicodeDecodeError:
        token = ""
    if not token or not token.isprintable():
        raise StartRefused(f"remote_share_store_bearer_file {place.bearer_file} holds no token; write one line of text")
    return token


def _tls(settings: SignerSettings) -> ssl.SSLContext:
    certificate, key = settings.remote_share_store_cert, settings.remote_share_store_key
    if (certificate is None) != (key is None):
        raise StartRefused("remote_share_store_cert and remote_share_store_key: set both or neither")
    try:
        context = ssl.create_default_context(cafile=settings.remote_share_store_ca)
        if certificate is not None:
            context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        reason = error.strerror or str(error)
        raise StartRefused(f"remote_share_store_ca, _cert or _key: the files can't be used ({reason})") from None
    return context
