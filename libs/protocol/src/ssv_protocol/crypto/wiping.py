"""Overwriting a secret's bytes when they are no longer needed.

Not guaranteed: that no other copy exists. What is immutable in Python (bytes, str, int) can't be overwritten, and what
OpenSSL returns as bytes is; so this shortens how long plaintext lies in memory, and no more.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def wiped(secret: bytearray) -> Iterator[bytearray]:
    """Give the bytes inside the block and overwrite them with zeros after it, whatever happened there."""
    try:
        yield secret
    finally:
        secret[:] = bytes(len(secret))
