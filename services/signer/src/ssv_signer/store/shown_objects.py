"""What signing roots stand for, in the form that an external store of share keys is asked with.

Nothing is here while share keys lie in the database. Source: architecture §5.1, §5.2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ssv_protocol.types.ids import Root, Slot
from ssv_signer.store.database import Connection, select_among


def put(connection: Connection, slot: Slot, bodies: Mapping[Root, bytes]) -> None:
    """Write down the requests for roots of a slot; one that is there already says the same."""
    connection.executemany(
        "INSERT INTO shown_objects (slot, signing_root, body) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        [(slot, root, body) for root, body in bodies.items()],
    )


def of(connection: Connection, slot: Slot, roots: Sequence[Root]) -> dict[Root, bytes]:
    """Return the requests for roots of a slot, those that are there."""
    query = "SELECT signing_root, body FROM shown_objects WHERE (slot, signing_root) IN"
    rows = select_among(connection, query, [(slot, root) for root in dict.fromkeys(roots)])
    return {Root(root): body for root, body in rows}
