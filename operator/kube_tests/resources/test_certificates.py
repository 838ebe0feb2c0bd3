"""Certificates of the operator's own authority: for whom, and when they are made anew."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.x509 import verification

from ssv_kube.resources.cert_manager import cert_manager
from ssv_kube.resources.certificates import (
    authority,
    certificate,
    certificate_hash,
    certificate_secret,
    holders,
)
from ssv_kube.resources.node import Node, Surroundings
from ssv_runtime.certificates import KeyPair

Example = Callable[..., Node]


@pytest.fixture
def ca(now: datetime) -> KeyPair:
    return authority(None, now)


def stored(node: Node, holder: str, ca: KeyPair, pair: KeyPair) -> dict[str, bytes]:
    return {key: b64decode(value) for key, value in certificate_secret(node, holder, ca, pair)["data"].items()}


def test_every_holder_is_known_by_its_name_and_its_service(node: Node, ca: KeyPair, now: datetime) -> None:
    roots = verification.Store([x509.load_pem_x509_certificate(ca.certificate)])
    for holder in holders(node):
        made = x509.load_pem_x509_certificate(certificate(node, holder, ca, None, now).certificate)
        for name in (holder, f"ssv-{holder}", f"ssv-{holder}.staking.svc"):
            verifier = verification.PolicyBuilder().store(roots).time(now)
            verifier.build_server_verifier(x509.DNSName(name)).verify(made, [])
        names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.UniformResourceIdentifier) == [f"ssv://{holder}"]


def test_a_good_certificate_is_kept(example: Example, ca: KeyPair, now: datetime) -> None:
    node = example("ha")
    pair = certificate(node, "nats", ca, None, now)
    later = now + timedelta(days=200)
    assert certificate(node, "nats", ca, stored(node, "nats", ca, pair), later) == pair


def test_it_is_renewed_with_a_third_of_its_life_left(example: Example, ca: KeyPair, now: datetime) -> None:
    node = example("ha")
    pair = certificate(node, "signer", ca, None, now)
    later = now + timedelta(days=250)
    assert certificate(node, "signer", ca, stored(node, "signer", ca, pair), later) != pair


def test_it_is_made_anew_for_another_authority(example: Example, ca: KeyPair, now: datetime) -> None:
    node = example("ha")
    pair = certificate(node, "signer", ca, None, now)
    assert certificate(node, "signer", authority(None, now), stored(node, "signer", ca, pair), now) != pair


def test_it_is_made_anew_when_there_are_more_names(example: Example, ca: KeyPair, now: datetime) -> None:
    pair = certificate(example("single"), "nats", ca, None, now)
    kept = stored(example("single"), "nats", ca, pair)
    assert certificate(example("single"), "nats", ca, kept, now) == pair
    assert certificate(example("ha"), "nats", ca, kept, now) != pair


def test_what_is_damaged_is_made_anew(example: Example, ca: KeyPair, now: datetime) -> None:
    node = example("single")
    kept = stored(node, "signer", ca, certificate(node, "signer", ca, None, now)) | {"tls.key": b"nonsense"}
    assert certificate(node, "signer", ca, kept, now).private_key != b"nonsense"


def test_the_authority_is_kept_as_long_as_it_holds(ca: KeyPair, now: datetime) -> None:
    kept = {"tls.crt": ca.certificate, "tls.key": ca.private_key}
    assert authority(kept, now + timedelta(days=365 * 5)) == ca
    assert authority(kept, now + timedelta(days=365 * 9)) != ca


def test_pods_notice_another_certificate(example: Example, ca: KeyPair, now: datetime) -> None:
    node = example("single")
    kept = stored(node, "signer", ca, certificate(node, "signer", ca, None, now))
    again = stored(node, "signer", ca, certificate(node, "signer", ca, None, now))
    assert certificate_hash(kept) != certificate_hash(again)
    assert certificate_hash(None) == ""


def test_cert_manager_is_asked_for_the_same(example: Example, surroundings: Callable[..., Surroundings]) -> None:
    node = example("ha")
    asked = [each for each in cert_manager(node, surroundings(cert_manager=True)) if each["kind"] == "Certificate"]
    leaves = {each["spec"]["uris"][0]: each["spec"] for each in asked if "uris" in each["spec"]}
    assert set(leaves) == {f"ssv://{holder}" for holder in holders(node)}
    assert leaves["ssv://signer"]["secretName"] == "ssv-signer-tls"
    assert leaves["ssv://signer"]["dnsNames"][0] == "signer"


def test_without_cert_manager_nothing_is_asked_of_it(
    example: Example, surroundings: Callable[..., Surroundings]
) -> None:
    assert cert_manager(example("ha"), surroundings()) == []
