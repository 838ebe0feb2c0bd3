"""How deeply JSON is nested, told before it is decoded.

A decoder recurses, and how far it may go without breaking the process is a setting that any library may have raised.
Brackets inside strings count too: nothing that we read needs them.
"""

from __future__ import annotations

import re

MAX_DEPTH = 32
"""More than twice of what any file or request of ours needs."""
_BRACKETS = re.compile(rb"[\[\]{}]")


def is_shallow(text: bytes | str, max_depth: int = MAX_DEPTH) -> bool:
    """Tell whether no bracket is deeper than `max_depth`; whether it is JSON at all is left to a decoder."""
    depth = 0
    for found in _BRACKETS.finditer(text if isinstance(text, bytes) else text.encode(errors="replace")):
        depth += 1 if found[0] in b"[{" else -1
        if depth > max_depth:
            return False
    return True
