import secrets
from dataclasses import replace

import pytest

from ssv_devnet.builder.registrations import MAX_REGISTRATION_LOOKAHEAD_S, RegistrationBook
from ssv_protocol.beacon_chain import BeaconChain, BeaconFork, ScheduledFork
from ssv_protocol.crypto.bls import SecretKey
from ssv_protocol.crypto.signing_root import DOMAIN_APPLICATION_BUILDER, compute_domain, compute_signing_root
from ssv_protocol.types.beacon.registration import SignedValidatorRegistration, ValidatorRegistration
from ssv_protocol.types.ids import ZERO_ROOT, BlsSignature, Epoch, ExecutionAddress, ForkVersion, Root

VERSION = ForkVersion(bytes.fromhex("06000000"))
CHAIN = BeaconChain(0, Root(b"\x07" * 32), 6, 8, 8, 512, (ScheduledFork(BeaconFork.FULU, VERSION, Epoch(0)),))
KEY = SecretKey.generate(secrets.token_bytes)
NOW = 1000


@pytest.fixture
def book() -> RegistrationBook:
    return RegistrationBook(CHAIN, lambda: NOW)


def registration(
    timestamp: int = NOW, *, key: SecretKey = KEY, signer: SecretKey | None = None, recipient: int = 1
) -> SignedValidatorRegistration:
    message = ValidatorRegistration(ExecutionAddress(bytes([recipient]) * 20), 30_000_000, timestamp, key.public_key())
    root = compute_signing_root(
        message.hash_tree_root(), compute_domain(DOMAIN_APPLICATION_BUILDER, VERSION, ZERO_ROOT)
    )
    return SignedValidatorRegistration(message, (signer or key).sign(root))


def test_nobody_is_registered_at_first(book: RegistrationBook) -> None:
    assert book.of(KEY.public_key()) is None


def test_the_latest_registration_counts(book: RegistrationBook) -> None:
    assert book.take([registration(NOW - 1), registration(NOW, recipient=2)]) == []
    latest = book.of(KEY.public_key())
    assert latest is not None
    assert latest.fee_recipient == bytes([2]) * 20
    assert [seen.count for seen in book.all()] == [2]


def test_an_older_one_is_refused(book: RegistrationBook) -> None:
    book.take([registration()])
    (problem,) = book.take([registration(NOW - 1)])
    assert "a later one is known" in problem
    latest = book.of(KEY.public_key())
    assert latest is not None
    assert latest.timestamp == NOW


def test_the_same_again_is_counted(book: RegistrationBook) -> None:
    assert book.take([registration()] * 3) == []
    assert book.all()[0].count == 3


@pytest.mark.parametrize(
    ("ahead_s", "refused"), [(MAX_REGISTRATION_LOOKAHEAD_S, 0), (MAX_REGISTRATION_LOOKAHEAD_S + 1, 1)]
)
def test_the_future_is_refused(book: RegistrationBook, ahead_s: int, refused: int) -> None:
    problems = book.take([registration(NOW + ahead_s)])
    assert (len(problems), book.refused) == (refused, refused)


def test_a_wrong_signature_is_refused_alone(book: RegistrationBook) -> None:
    other = SecretKey.generate(secrets.token_bytes)
    problems = book.take([registration(signer=other), registration(key=other)])
    assert problems == [f"registration 0 of 0x{KEY.public_key().hex()}: the signature is wrong"]
    assert book.of(KEY.public_key()) is None
    assert book.of(other.public_key()) is not None


@pytest.mark.parametrize("signature", [bytes(96), b"\xff" * 96])
def test_a_malformed_signature_is_refused(book: RegistrationBook, signature: bytes) -> None:
    assert book.take([replace(registration(), signature=BlsSignature(signature))]) != []


def test_the_chains_own_root_is_no_part_of_the_domain(book: RegistrationBook) -> None:
    message = registration().message
    root = compute_signing_root(
        message.hash_tree_root(), compute_domain(DOMAIN_APPLICATION_BUILDER, VERSION, CHAIN.genesis_validators_root)
    )
    assert book.take([SignedValidatorRegistration(message, KEY.sign(root))]) != []
