"""What the devnet's operators write into their blocks, so that the chain tells whose block a committee signed."""

from __future__ import annotations

import re

from ssv_protocol.types.ids import OperatorId

_GRAFFITI = re.compile(rb"ssv operator (\d+)\0*")


def graffiti_of(operator_id: OperatorId) -> str:
    """Return an operator's graffiti."""
    return f"ssv operator {operator_id}"


def operator_of(graffiti: bytes) -> OperatorId | None:
    """Return whose graffiti a block has, None when it is no operator's."""
    found = _GRAFFITI.fullmatch(graffiti)
    return OperatorId(int(found[1])) if found else None
