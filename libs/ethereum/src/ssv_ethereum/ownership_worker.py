"""A process that checks ownership signatures for another: `python -m ssv_ethereum.ownership_worker`.

    stdin     length (4 bytes, big-endian) ‖ msgpack list of [public key, root, signature]
    stdout    length                       ‖ msgpack list of booleans, for each request one

It ends with its stdin, so with whoever started it, however that ends.
"""

from __future__ import annotations

import secrets
import signal
import sys
from typing import BinaryIO

import msgspec

from ssv_protocol.crypto import bls
from ssv_protocol.types.ids import BlsPublicKey, BlsSignature, Root

LENGTH_BYTES = 4


def framed(message: bytes) -> bytes:
    """Return a message with its length before it."""
    return len(message).to_bytes(LENGTH_BYTES, "big") + message


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer until there are no more requests."""
    while len(length := requests.read(LENGTH_BYTES)) == LENGTH_BYTES:
        claims = msgspec.msgpack.decode(
            requests.read(int.from_bytes(length, "big")), type=list[tuple[bytes, bytes, bytes]]
        )
        signed = [(BlsPublicKey(key), Root(root), BlsSignature(signature)) for key, root, signature in claims]
        answers.write(framed(msgspec.msgpack.encode(bls.verify_many(signed, secrets.token_bytes))))
        answers.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's goes to all; the one who asks tells us when to end
    serve(sys.stdin.buffer, sys.stdout.buffer)
