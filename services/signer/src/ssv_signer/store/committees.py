"""The committees of the shares, with their operators' public keys as the registry gave them.

Evidence is verified with these keys, so only `AddShare` writes them, which only a registry event leads to.

Source: architecture §5.4.
"""

from __future__ import annotations

from collections.abc import Sequence

from ssv_protocol.types.committee import faulty_nodes
from ssv_protocol.types.ids import CommitteeId, DomainType, OperatorId
from ssv_protocol.types.operator import CommitteeMember, Operator
from ssv_signer.store.database import Connection, select_in


def members(
    connection: Connection, committees: Sequence[CommitteeId], domain: DomainType
) -> dict[CommitteeId, CommitteeMember]:
    """Return this operator's seats in committees, their operators by ascending ids."""
    query = (
        "SELECT committee_id, own_operator_id, operator_id, public_key FROM committees JOIN committee_operators "
        "USING (committee_id) WHERE committee_id IN"
    )
    own_ids: dict[CommitteeId, OperatorId] = {}
    found: dict[CommitteeId, list[Operator]] = {}
    for committee, own_id, operator_id, public_key in select_in(connection, query, committees):
        own_ids[CommitteeId(committee)] = OperatorId(own_id)
        found.setdefault(CommitteeId(committee), []).append(Operator(OperatorId(operator_id), public_key))
    return {committee: _seat(committee, own_ids[committee], found[committee], domain) for committee in found}


def member(connection: Connection, committee: CommitteeId, domain: DomainType) -> CommitteeMember | None:
    """Return this operator's seat in a committee."""
    return members(connection, [committee], domain).get(committee)


def put(connection: Connection, seat: CommitteeMember) -> None:
    """Insert a committee or replace its keys."""
    connection.execute(
        "INSERT INTO committees VALUES (?, ?) ON CONFLICT (committee_id) "
        "DO UPDATE SET own_operator_id = excluded.own_operator_id",
        (seat.committee_id, seat.operator_id),
    )
    connection.execute("DELETE FROM committee_operators WHERE committee_id = ?", (seat.committee_id,))
    connection.insert(
        "committee_operators",
        [(seat.committee_id, operator.operator_id, operator.public_key) for operator in seat.committee],
    )


def _seat(
    committee: CommitteeId, own_id: OperatorId, unsorted: Sequence[Operator], domain: DomainType
) -> CommitteeMember:
    operators = tuple(sorted(unsorted, key=lambda operator: operator.operator_id))
    own_key = next(operator.public_key for operator in operators if operator.operator_id == own_id)
    return CommitteeMember(own_id, committee, own_key, faulty_nodes(len(operators)), operators, domain)
