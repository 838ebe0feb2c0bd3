"""Is this the one message id of its duty?

Records are kept by message id, and the protocol's own "belongs to" looks neither at the domain nor at a committee
id's padding. A caller who could vary those would get a fresh record for the same duty, so the signer takes only
the canonical id: the domain and a role of the rule set in force at the slot, zero padding.

Source: architecture §5.2, §5.4; ssv-spec types/messages.go.
"""

from __future__ import annotations

from ssv_protocol.forks import Network, SsvFork
from ssv_protocol.signing.verdict import DenialReason, Denied
from ssv_protocol.types.ids import MessageId, Slot
from ssv_protocol.types.message_id import (
    COMMITTEE_PADDING,
    COMMITTEE_ROLES,
    MESSAGE_ID_BYTES,
    committee_padding,
    message_domain,
    message_role,
)
from ssv_protocol.types.roles import RunnerRole

_COMMON = frozenset(
    {
        RunnerRole.COMMITTEE,
        RunnerRole.PROPOSER,
        RunnerRole.VALIDATOR_REGISTRATION,
        RunnerRole.VOLUNTARY_EXIT,
    }
)
_ROLES: dict[SsvFork, frozenset[RunnerRole]] = {
    SsvFork.ALAN: _COMMON | {RunnerRole.AGGREGATOR, RunnerRole.SYNC_COMMITTEE_CONTRIBUTION},
    SsvFork.BOOLE: _COMMON | {RunnerRole.AGGREGATOR_COMMITTEE},
}


def check(network: Network, message_id: MessageId, slot: Slot) -> Denied | None:
    """Refuse an id that is not the canonical one for a duty of `slot`."""
    if len(message_id) != MESSAGE_ID_BYTES:
        return Denied(DenialReason.MALFORMED, f"message id of {len(message_id)} bytes")
    fork = network.ssv_fork_at(slot)
    if message_domain(message_id) != network.domain_of(fork):
        return Denied(DenialReason.WRONG_DOMAIN, message_domain(message_id).hex())
    role = message_role(message_id)
    if role not in _ROLES[fork]:
        return Denied(DenialReason.WRONG_ROLE, f"role {role}")
    if role in COMMITTEE_ROLES and committee_padding(message_id) != COMMITTEE_PADDING:
        return Denied(DenialReason.MALFORMED, "padding of the committee id")
    return None
