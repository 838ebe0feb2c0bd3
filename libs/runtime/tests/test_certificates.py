from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from ssv_runtime.certificates import CA_LIFE, LEAF_LIFE, issue, make_ca
from ssv_runtime.rpc.permissions import SAN_PROPERTY, Permissions, caller_in

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def test_a_leaf_names_its_service_and_its_hosts() -> None:
    ca = make_ca(NOW)
    leaf = x509.load_pem_x509_certificate(issue(ca, "signer", NOW, ["ssv-signer.ns.svc", "10.0.0.7"]).certificate)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == ["ssv://signer"]
    assert names.get_values_for_type(x509.DNSName) == ["signer", "ssv-signer.ns.svc", "localhost"]
    addresses = [ipaddress.ip_address(text) for text in ("10.0.0.7", "127.0.0.1", "::1")]
    assert names.get_values_for_type(x509.IPAddress) == addresses
    key = leaf.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert isinstance(key.curve, ec.SECP256R1)
    assert leaf.not_valid_after_utc == NOW + LEAF_LIFE


@pytest.mark.parametrize(
    ("at", "own_authority", "good"),
    [
        (NOW, True, True),
        (NOW, False, False),
        (NOW + LEAF_LIFE + timedelta(days=1), True, False),
        (NOW - timedelta(days=1), True, False),
    ],
)
def test_a_leaf_is_good_under_its_authority_in_its_time(at: datetime, own_authority: bool, good: bool) -> None:
    ca, stranger = make_ca(NOW), make_ca(NOW)
    leaf = x509.load_pem_x509_certificate(issue(ca, "consensus", NOW).certificate)
    trusted = x509.load_pem_x509_certificate((ca if own_authority else stranger).certificate)
    verifier = PolicyBuilder().store(Store([trusted])).time(at).build_client_verifier()
    if good:
        assert verifier.verify(leaf, []).subjects
    else:
        with pytest.raises(VerificationError):
            verifier.verify(leaf, [])


def test_a_leaf_may_not_issue() -> None:
    ca = make_ca(NOW)
    leaf = x509.load_pem_x509_certificate(issue(ca, "consensus", NOW).certificate)
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert CA_LIFE > LEAF_LIFE


def test_a_private_key_is_in_no_repr() -> None:
    pair = make_ca(NOW)
    assert "PRIVATE" not in repr(pair)
    assert pair.private_key.decode().splitlines()[1] not in repr(pair)


@pytest.mark.parametrize(
    ("names", "caller"),
    [
        ([b"ssv://signer", b"signer", b"127.0.0.1"], "signer"),
        ([b"signer"], None),
        ([b"ssv://signer", b"ssv://consensus"], None),
        ([], None),
    ],
)
def test_a_caller_is_named_by_exactly_one_uri(names: list[bytes], caller: str | None) -> None:
    assert caller_in({SAN_PROPERTY: names}) == caller


def test_permissions_deny_by_default() -> None:
    rules = Permissions({"ssv.v1.Signer/Sign": ["consensus"]})
    assert rules.refusal("consensus", "/ssv.v1.Signer/Sign") is None
    assert rules.refusal("cli", "/ssv.v1.Signer/Sign") == "cli may not call ssv.v1.Signer/Sign"
    assert rules.refusal("consensus", "/ssv.v1.Signer/AddShare") == "consensus may not call ssv.v1.Signer/AddShare"
    assert "names no service" in (rules.refusal(None, "/ssv.v1.Signer/Sign") or "")
