"""Who is who on the test's control plane: an authority, certificates of it, the key of ServiceAccounts, kubeconfigs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ADMINISTRATORS = "system:masters"
LIFE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Files in one folder: ca.crt, server.*, admin.*, controllers.*, account.key and account.pub."""

    folder: Path

    def file(self, name: str) -> Path:
        return self.folder / name

    def kubeconfig(self, who: str, url: str) -> Path:
        """Write and return a kubeconfig with the certificate of `who`."""
        user = {
            "client-certificate": str(self.file(f"{who}.crt")),
            "client-key": str(self.file(f"{who}.key")),
        }
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": "test", "cluster": {"server": url, "certificate-authority": str(self.file("ca.crt"))}}
            ],
            "users": [{"name": who, "user": user}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": who, "namespace": "default"}}],
            "current-context": "test",
        }
        file = self.file(f"{who}.kubeconfig")
        file.write_text(json.dumps(content))  # JSON is YAML
        return file


def make_credentials(folder: Path) -> Credentials:
    """Make all of them."""
    folder.mkdir(parents=True)
    made = Credentials(folder)
    authority_key, authority = _authority()
    made.file("ca.crt").write_bytes(_pem(authority))
    for name, subject, group in (
        ("server", "kube-apiserver", None),
        ("admin", "admin", ADMINISTRATORS),
        ("controllers", "system:kube-controller-manager", ADMINISTRATORS),
    ):
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(authority_key, authority, key, subject, group)
        made.file(f"{name}.crt").write_bytes(_pem(certificate))
        _write_key(made.file(f"{name}.key"), key)
    account = ec.generate_private_key(ec.SECP256R1())
    _write_key(made.file("account.key"), account)
    public = account.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    made.file("account.pub").write_bytes(public)
    return made


def _authority() -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "control plane of a test")])
    draft = _draft(name, name, key).add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return key, draft.sign(key, hashes.SHA256())


def _certificate(
    authority_key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate,
    key: ec.EllipticCurvePrivateKey,
    subject: str,
    group: str | None,
) -> x509.Certificate:
    names = [x509.NameAttribute(NameOID.COMMON_NAME, subject)]
    if group is not None:
        names.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, group))
    hosts: list[x509.GeneralName] = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    return (
        _draft(x509.Name(names), authority.subject, key)
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .sign(authority_key, hashes.SHA256())
    )


def _draft(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + LIFE)
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _write_key(file: Path, key: ec.EllipticCurvePrivateKey) -> None:
    file.touch(mode=0o600)
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
