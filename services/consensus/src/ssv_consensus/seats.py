"""This operator's seats in its committees, from the registry and the indices that the beacon chain gave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ssv_protocol.forks import Network
from ssv_protocol.registry.committees import committee_member, share_of
from ssv_protocol.registry.state import ValidatorRecord
from ssv_protocol.runners.seats import DEFAULT_GAS_LIMIT, CommitteeSeat
from ssv_protocol.types.ids import BlsPublicKey, CommitteeId, Slot, ValidatorIndex
from ssv_protocol.types.share import Share
from ssv_runtime.registry_client import RegistryView

_GRAFFITI_BYTES = 32


@dataclass(frozen=True, slots=True)
class Preferences:
    """What an operator chooses for all of its seats; `graffiti` is 32 bytes, see `padded_graffiti`."""

    same_roots: bool = False
    graffiti: bytes = bytes(_GRAFFITI_BYTES)
    gas_limit: int = DEFAULT_GAS_LIMIT
    proposer_delay_s: float = 0.0


DEFAULTS = Preferences()


def padded_graffiti(text: str) -> bytes:
    """Return the 32 bytes of a text that fits into them."""
    return text.encode().ljust(_GRAFFITI_BYTES, b"\0")


def own_committees(view: RegistryView) -> dict[CommitteeId, list[ValidatorRecord]]:
    """Return the committees with validators that run, with these."""
    running = {
        committee: [record for record in records if not record.liquidated]
        for committee, records in view.own_committees.items()
    }
    return {committee: records for committee, records in running.items() if records}


def seat_of(
    view: RegistryView,
    records: list[ValidatorRecord],
    indices: Mapping[BlsPublicKey, ValidatorIndex],
    network: Network,
    slot: Slot,
    *,
    preferences: Preferences = DEFAULTS,
) -> CommitteeSeat:
    """Return the seat in the committee of `records`, at least one; validators without an index have no share in it.

    Raises:
        ProtocolError: COMMITTEE_MEMBER_INVALID when the operator or a quorum of the others has no key.
    """
    operator_id = view.own_operator_id
    if operator_id is None:
        raise ValueError("the operator is not registered, so it has no seat")
    domain = network.domain_at(slot)
    member = committee_member(view.state, operator_id, records[0].operator_ids, domain)
    shares: dict[ValidatorIndex, Share] = {}
    for record in records:
        index = indices.get(record.public_key)
        if index is not None:
            share = share_of(view.state, record, operator_id, index, domain)
            shares[index] = replace(share, graffiti=preferences.graffiti)
    return CommitteeSeat(
        member,
        shares,
        network,
        same_roots=preferences.same_roots,
        gas_limit=preferences.gas_limit,
        proposer_delay_s=preferences.proposer_delay_s,
        registered=frozenset(record.public_key for record in records),
    )
