"""Python's collector of cycles, kept from what lives as long as the process.

A full collection looks at every object: with the modules alone that takes 50 ms or more, in which no message moves.
What is there when `settle` is called stays until the end and is not looked at again. Messages leave no cycles behind;
connections that ended do, and are still collected.
"""

from __future__ import annotations

import gc

OBJECTS_BETWEEN_COLLECTIONS = 10_000


def settle() -> None:
    """Take all that is there for good. To be called when much of that kind has been made, which is seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
