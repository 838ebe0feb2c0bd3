"""The committees of the shares, with their operators' public keys as the registry gave them.

Evidence is verified with these keys, so only `AddShare` writes them, which only a registry event leads to.

Source: architecture §5.4.
"""

from __future__ import annotations

from ssv_protocol.types.committee import faulty_nodes
from ssv_protocol.types.ids import CommitteeId, DomainType, OperatorId
from ssv_protocol.types.operator import CommitteeMember, Operator
from ssv_signer.store.database import Connection


def member(connection: Connection, committee: CommitteeId, domain: DomainType) -> CommitteeMember | None:
    """Return this operator's seat in a committee, by ascending operator ids."""
    rows = connection.execute(
        "SELECT own_operator_id, operator_id, public_key FROM committees JOIN committee_operators "
        "USING (committee_id) WHERE committee_id = ? ORDER BY operator_id",
        (committee,),
    ).fetchall()
    if not rows:
        return None
    own_id, operators = OperatorId(rows[0][0]), tuple(Operator(OperatorId(row[1]), row[2]) for row in rows)
    own_key = next(operator.public_key for operator in operators if operator.operator_id == own_id)
    return CommitteeMember(own_id, committee, own_key, faulty_nodes(len(operators)), operators, domain)


def put(connection: Connection, seat: CommitteeMember) -> None:
    """Insert a committee or replace its keys."""
    connection.execute(
        "INSERT INTO committees VALUES (?, ?) ON CONFLICT (committee_id) "
        "DO UPDATE SET own_operator_id = excluded.own_operator_id",
        (seat.committee_id, seat.operator_id),
    )
    connection.execute("DELETE FROM committee_operators WHERE committee_id = ?", (seat.committee_id,))
    connection.executemany(
        "INSERT INTO committee_operators VALUES (?, ?, ?)",
        [(seat.committee_id, operator.operator_id, operator.public_key) for operator in seat.committee],
    )
