import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from ssv_protocol.crypto import rsa
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.types.ids import MessageId
from ssv_protocol.types.messages import SSVMessage
from ssv_protocol.types.operator import OPERATOR_KEY_PEM_BYTES
from ssv_protocol.types.roles import MsgType

MESSAGE = SSVMessage(MsgType.CONSENSUS, MessageId(b"\x01" * 56), b"what is agreed upon")


@pytest.fixture(scope="module")
def key() -> OperatorPrivateKey:
    return OperatorPrivateKey.generate()


@pytest.fixture(scope="module")
def other() -> OperatorPrivateKey:
    return OperatorPrivateKey.generate()


def test_sign_and_verify(key: OperatorPrivateKey, other: OperatorPrivateKey) -> None:
    signature = key.sign(MESSAGE)
    assert len(signature) == 256
    assert signature == key.sign(MESSAGE)
    encoded = MESSAGE.encode()
    assert rsa.verify(key.public_pem(), encoded, signature)
    assert not rsa.verify(other.public_pem(), encoded, signature)
    assert not rsa.verify(key.public_pem(), encoded + b"\0", signature)
    for wrong in (b"", bytes(256), signature[:-1], signature + b"\0", b"\xff" * 256):
        assert not rsa.verify(key.public_pem(), encoded, wrong)


def test_public_key_is_written_as_the_network_writes_it(key: OperatorPrivateKey) -> None:
    pem = key.public_pem()
    assert len(pem) == OPERATOR_KEY_PEM_BYTES
    assert pem.startswith(b"-----BEGIN RSA PUBLIC KEY-----\n")
    assert pem.endswith(b"-----END RSA PUBLIC KEY-----\n")
    rsa.check_public_pem(pem)
    assert rsa.normalize_public_pem(pem.replace(b"RSA PUBLIC", b"PUBLIC").replace(b"\n", b"\r\n")) == pem


def test_private_key_as_pkcs1_pkcs8_and_encrypted(key: OperatorPrivateKey) -> None:
    pem = key.to_pem()
    assert pem.startswith(b"-----BEGIN RSA PRIVATE KEY-----")
    inner = load_pem_private_key(pem, None)
    encryption = serialization.BestAvailableEncryption(b"secret words")
    pkcs8 = serialization.PrivateFormat.PKCS8
    plain = inner.private_bytes(serialization.Encoding.PEM, pkcs8, serialization.NoEncryption())
    encrypted = inner.private_bytes(serialization.Encoding.PEM, pkcs8, encryption)
    der = inner.private_bytes(serialization.Encoding.DER, pkcs8, serialization.NoEncryption())
    for again in (
        OperatorPrivateKey.from_pem(pem),
        OperatorPrivateKey.from_pem(plain),
        OperatorPrivateKey.from_pem(encrypted, b"secret words"),
        OperatorPrivateKey.from_der(der),
    ):
        assert again.public_pem() == key.public_pem()
    for password in (None, b"other words"):
        with pytest.raises(ProtocolError) as caught:
            OperatorPrivateKey.from_pem(encrypted, password)
        assert caught.value.reason is Reason.KEY_INVALID
        assert "words" not in str(caught.value)


def test_keys_that_are_not_rsa() -> None:
    curve = ec.generate_private_key(ec.SECP256R1())
    private = curve.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = curve.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    for wrong in (private, b"", b"no key"):
        with pytest.raises(ProtocolError) as caught:
            OperatorPrivateKey.from_pem(wrong)
        assert caught.value.reason is Reason.KEY_INVALID
    for wrong in (public, b"", b"no key", bytes(OPERATOR_KEY_PEM_BYTES)):
        with pytest.raises(ProtocolError) as caught:
            rsa.check_public_pem(wrong)
        assert caught.value.reason is Reason.KEY_INVALID


def test_encrypt_and_decrypt(key: OperatorPrivateKey, other: OperatorPrivateKey) -> None:
    ciphertext = rsa.encrypt(key.public_pem(), b"a share")
    assert len(ciphertext) == 256
    assert ciphertext != rsa.encrypt(key.public_pem(), b"a share")
    assert key.decrypt(ciphertext) == b"a share"
    with pytest.raises(ProtocolError) as caught:
        key.decrypt(ciphertext[:-1])
    assert caught.value.reason is Reason.SHARE_DECRYPTION
    assert _decrypted_or_refused(other, ciphertext) != b"a share"


def test_private_key_does_not_show_itself(key: OperatorPrivateKey) -> None:
    assert repr(key) == "OperatorPrivateKey(***)"
    assert str([key]) == "[OperatorPrivateKey(***)]"


def _decrypted_or_refused(key: OperatorPrivateKey, ciphertext: bytes) -> bytes | None:
    """With a foreign key OpenSSL either refuses or answers random bytes."""
    try:
        return key.decrypt(ciphertext)
    except ProtocolError:
        return None
