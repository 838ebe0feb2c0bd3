"""One operator's folder of certificates, bus passwords and bus configuration.

    ca.pem  ca.key  <service>.pem  <service>.key  nats/nats.conf  nats/<service>.password

Invariant: the folder appears whole or not at all, and never over something that is there; keys and passwords are
readable for their owner only.
"""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from ssv_runtime.certificates import KeyPair, issue, make_ca
from ssv_runtime.names import CALLERS
from ssv_runtime.nats_permissions import PERMISSIONS, render_nats_conf
from ssvctl.errors import SsvctlError
from ssvctl.files import PRIVATE, PUBLIC, read_bytes, refuse_existing, write_new

_PASSWORD_BYTES = 32
_NAME = re.compile("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class CertificateFolder:
    """Where the files of a made folder are."""

    root: Path

    @property
    def ca(self) -> Path:
        """The authority's certificate."""
        return self.root / "ca.pem"

    @property
    def nats_conf(self) -> Path:
        """The configuration of nats-server, without address, port and store folder."""
        return self.root / "nats" / "nats.conf"

    def certificate(self, service: str) -> Path:
        """Return a service's certificate."""
        return self.root / f"{service}.pem"

    def key(self, service: str) -> Path:
        """Return a service's private key."""
        return self.root / f"{service}.key"

    def nats_password(self, service: str) -> Path | None:
        """Return the file with a service's password on the bus; None when it has no business there."""
        return self.root / "nats" / f"{service}.password" if service in PERMISSIONS else None


@dataclass(frozen=True, slots=True)
class CertificateInfo:
    """What a certificate says: until when it holds, and for whom."""

    name: str
    expires: datetime
    names: tuple[str, ...]


def make_certificates(out: Path, hosts: Sequence[str], now: datetime) -> CertificateFolder:
    """Make the folder `out`, which must not exist or be empty. `hosts`: names besides the services' own and loopback.

    Raises:
        SsvctlError: there is something already, or it can't be written.
    """
    if out.is_symlink() or (out.exists() and (not out.is_dir() or any(out.iterdir()))):
        raise SsvctlError(f"{out} exists already; choose another folder or move it away")
    if not out.parent.is_dir():
        raise SsvctlError(f"folder {out.parent} does not exist; make it first")
    partial = out.with_name(f".{out.name}.{secrets.token_hex(4)}")
    try:
        (partial / "nats").mkdir(parents=True, mode=0o700)
        partial.chmod(0o700)
        _write(CertificateFolder(partial), hosts, now)
        partial.rename(out)  # over an empty folder, never over a full one
    except OSError as error:
        raise SsvctlError(f"{out} can't be written: {error.strerror}") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return CertificateFolder(out)


def issue_certificate(
    authority: CertificateFolder, name: str, out: Path, hosts: Sequence[str], now: datetime
) -> CertificateFolder:
    """Write `name`.pem and `name`.key of a folder's authority into `out`, with ca.pem if it is not there.

    Raises:
        SsvctlError: no such name may be given, the authority can't be read, or the certificate is there already.
    """
    if not _NAME.fullmatch(name) or name == "ca":
        raise SsvctlError(f"{name!r} is no name for a certificate; use small letters, digits and hyphens, at most 63")
    ca = KeyPair(read_bytes(authority.ca, "certificate"), read_bytes(authority.key("ca"), "key of the authority"))
    folder = CertificateFolder(out)
    refuse_existing(folder.certificate(name))
    refuse_existing(folder.key(name))
    try:
        pair = issue(ca, name, now, hosts)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SsvctlError(f"authority {authority.root} is damaged; make the folder anew") from None
    if folder.ca.exists() and read_bytes(folder.ca, "certificate") != ca.certificate:
        raise SsvctlError(f"{folder.ca} is of another authority; choose another folder")
    _write_pair(folder, name, pair)
    if not folder.ca.exists():
        write_new(folder.ca, ca.certificate, PUBLIC)
    return folder


def read_certificates(root: Path) -> list[CertificateInfo]:
    """Return what the certificates in a folder say, the authority's first. Raises SsvctlError."""
    folder = CertificateFolder(root)
    paths = [folder.ca, *sorted(set(root.glob("*.pem")) - {folder.ca})]
    return [_info(path) for path in paths]


def _write(folder: CertificateFolder, hosts: Sequence[str], now: datetime) -> None:
    ca = make_ca(now)
    _write_pair(folder, "ca", ca)
    for service in sorted(CALLERS):
        _write_pair(folder, service, issue(ca, service, now, hosts))
    passwords = {service: secrets.token_urlsafe(_PASSWORD_BYTES) for service in PERMISSIONS}
    for service, password in passwords.items():
        write_new(folder.root / "nats" / f"{service}.password", password.encode() + b"\n", PRIVATE)
    write_new(folder.nats_conf, render_nats_conf(passwords).encode(), PRIVATE)


def _write_pair(folder: CertificateFolder, name: str, pair: KeyPair) -> None:
    write_new(folder.certificate(name), pair.certificate, PUBLIC)
    write_new(folder.key(name), pair.private_key, PRIVATE)


def _info(path: Path) -> CertificateInfo:
    try:
        certificate = x509.load_pem_x509_certificate(read_bytes(path, "certificate"))
    except ValueError:
        raise SsvctlError(f"certificate {path} is damaged; make the folder anew") from None
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return CertificateInfo(path.stem, certificate.not_valid_after_utc, ())
    return CertificateInfo(path.stem, certificate.not_valid_after_utc, tuple(str(name.value) for name in names))
