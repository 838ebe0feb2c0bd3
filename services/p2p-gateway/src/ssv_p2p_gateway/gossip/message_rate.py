"""How many messages a topic should carry in an epoch, from the committees that talk on it.

Only the cap of a peer's reward for being first (P2) depends on it, so an estimate will do: `ETH_VALIDATORS` is the
order of magnitude of the public networks.

Source: ssvlabs/ssv network/topics/params/message_rate.go.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.forks import Network
from ssv_protocol.registry.state import RegistryState
from ssv_protocol.types.ids import OperatorId, Slot
from ssv_protocol.validation.topology import topics_around

ETH_VALIDATORS = 1_000_000
_MANY_VALIDATORS = 560
"""A committee with so many attests in every slot."""
_BEACON_COMMITTEES = 64
_AGGREGATORS = 16
"""Per beacon committee, and per sync subcommittee."""
_SYNC_SUBCOMMITTEES = 4


def committee_messages_per_epoch(chain: BeaconChain, operators: int, validators: int) -> float:
    """Return what one committee says in an epoch in all roles."""
    slots = chain.slots_per_epoch
    consensus = 1 + operators + operators + 2
    duty = consensus + operators
    duty_with_pre_consensus = duty + operators
    in_sync_committee = min(1.0, chain.sync_committee_size / ETH_VALIDATORS)
    attesting_slots, sync_slots = float(slots), 0.0
    if validators < _MANY_VALIDATORS:
        attesting_slots = slots * (1 - ((slots - 1) / slots) ** validators)
        sync_slots = (1 - (1 - in_sync_committee) ** validators) * (slots - attesting_slots)
    aggregations = validators * _AGGREGATORS / (ETH_VALIDATORS / (slots * _BEACON_COMMITTEES))
    proposals = validators * slots / ETH_VALIDATORS
    subcommittee = chain.sync_committee_size / _SYNC_SUBCOMMITTEES
    contributions = validators * slots * in_sync_committee * _AGGREGATORS / subcommittee
    return (attesting_slots + sync_slots) * duty + (aggregations + proposals + contributions) * duty_with_pre_consensus


def topic_messages_per_epoch(network: Network, slot: Slot, state: RegistryState) -> Mapping[str, float]:
    """Return by topic what all committees with validators that are not liquidated say in an epoch."""
    validators: Counter[tuple[OperatorId, ...]] = Counter(
        record.operator_ids for record in state.validators.values() if not record.liquidated
    )
    rates: dict[str, float] = defaultdict(float)
    for operator_ids, count in validators.items():
        rate = committee_messages_per_epoch(network.chain, len(operator_ids), count)
        for topic in topics_around(network, slot, operator_ids):
            rates[topic] += rate
    return rates
