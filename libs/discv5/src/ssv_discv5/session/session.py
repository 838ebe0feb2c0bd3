"""A session: two keys and a counter.

A nonce is the count of messages sent, in its first 4 bytes, and 8 random bytes: it repeats neither by chance nor,
the counter alone deciding, by a broken source of randomness. After 2³² messages a session seals no more.

Source: discv5-theory.md, *Session Cache*; discv5-wire.md, *Protocol Header*.
"""

from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ssv_discv5.endpoint import Endpoint
from ssv_discv5.errors import NoSessionError
from ssv_discv5.ids import NodeId

MAX_MESSAGES = 2**32
_RANDOM_SIZE = 8


@dataclass(frozen=True, slots=True)
class Peer:
    """What a session is bound to: a node id at an endpoint. Another endpoint needs another handshake."""

    node_id: NodeId
    endpoint: Endpoint


class Session:
    """Seals what we send to a peer and opens what it sends."""

    __slots__ = ("_reading", "_sent", "_writing")

    def __init__(self, writing_key: bytes, reading_key: bytes) -> None:
        self._writing = AESGCM(writing_key)
        self._reading = AESGCM(reading_key)
        self._sent = 0

    @property
    def worn_out(self) -> bool:
        """Tell whether the keys have sealed all they may."""
        return self._sent >= MAX_MESSAGES

    def next_nonce(self, random_bytes: Callable[[int], bytes]) -> bytes:
        """Return the nonce of the next message; raises NoSessionError when the keys are used up."""
        if self.worn_out:
            raise NoSessionError("2^32 messages were sealed with this key")
        nonce = self._sent.to_bytes(4, "big") + random_bytes(_RANDOM_SIZE)
        self._sent += 1
        return nonce

    def seal(self, nonce: bytes, message: bytes, associated: bytes) -> bytes:
        """Return the sealed message; `nonce` must come from `next_nonce` and be used once."""
        return self._writing.encrypt(nonce, message, associated)

    def open(self, nonce: bytes, sealed: bytes, associated: bytes) -> bytes:
        """Return the plain message; raises NoSessionError when it was sealed with another key or altered."""
        try:
            return self._reading.decrypt(nonce, sealed, associated)
        except InvalidTag:
            raise NoSessionError("not sealed with this session's key") from None
