"""An operator's RSA public key as OperatorAdded carries it.

    event bytes = abi.encode(bytes payload)        payload = ASCII base64 of the PEM

The contract takes any bytes. Event bytes that are no ABI encoding make the event malformed; a payload that is
no RSA-2048 key does not: the operator exists, may sit in committees and can never say anything that verifies.
The unpacking is as lenient as the network's (padding is not looked at), because all nodes must agree on which
operators exist.

Source: ssvlabs/ssv eth/eventparser; go-ethereum accounts/abi.
"""

from base64 import b64decode
from binascii import Error as Base64Error

from eth_abi.abi import encode

from ssv_protocol.crypto import rsa
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.types.operator import OPERATOR_KEY_PEM_BYTES

_WORD_BYTES = 32


def encode_operator_key(public_pem: bytes) -> bytes:
    """Return the bytes to register an operator with; raises ProtocolError KEY_INVALID."""
    return encode(["bytes"], [rsa.encode_for_contract(rsa.normalize_public_pem(public_pem))])


def unpack_operator_key(event_bytes: bytes) -> bytes:
    """Return the payload inside the event's bytes; raises ProtocolError KEY_INVALID."""
    length_at = _word(event_bytes, 0)
    payload_at = length_at + _WORD_BYTES
    end = payload_at + _word(event_bytes, length_at)
    if end > len(event_bytes):
        raise ProtocolError(Reason.KEY_INVALID, "operator key is cut short")
    return event_bytes[payload_at:end]


def operator_pem(payload: bytes) -> bytes:
    """Return the PEM of a payload as the network writes it (459 bytes); raises ProtocolError KEY_INVALID."""
    try:
        pem = b64decode(payload.translate(None, b"\r\n"), validate=True)
    except (Base64Error, ValueError):
        raise ProtocolError(Reason.KEY_INVALID, "operator key is not base64") from None
    pem = rsa.normalize_public_pem(pem)
    if len(pem) != OPERATOR_KEY_PEM_BYTES:
        raise ProtocolError(Reason.KEY_INVALID, f"operator key is not RSA-{rsa.KEY_BITS}")
    return pem


def _word(data: bytes, at: int) -> int:
    word = data[at : at + _WORD_BYTES]
    if len(word) != _WORD_BYTES:
        raise ProtocolError(Reason.KEY_INVALID, "operator key is not ABI-encoded")
    return int.from_bytes(word, "big")
