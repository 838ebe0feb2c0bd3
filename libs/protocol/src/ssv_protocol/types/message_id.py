"""Message ids: domain (4) | role (int32 little-endian, 4) | duty executor (48).

The executor is the validator's public key, or for committee roles 16 zero bytes and the committee id.
Belonging ignores the domain.

Source: ssv-spec types/messages.go.
"""

from ssv_protocol.types.ids import BlsPublicKey, CommitteeId, DomainType, MessageId
from ssv_protocol.types.roles import RunnerRole

MESSAGE_ID_BYTES = 56
_DOMAIN = slice(0, 4)
_ROLE = slice(4, 8)
_EXECUTOR = slice(8, 56)
_PADDING = slice(8, 24)
_COMMITTEE = slice(24, 56)
COMMITTEE_PADDING = bytes(16)
COMMITTEE_ROLES = frozenset({RunnerRole.COMMITTEE, RunnerRole.AGGREGATOR_COMMITTEE})


def committee_message_id(domain: DomainType, role: RunnerRole, committee: CommitteeId) -> MessageId:
    """Return the message id of a committee's duty."""
    return MessageId(domain + _role_bytes(role) + COMMITTEE_PADDING + committee)


def validator_message_id(domain: DomainType, role: RunnerRole, pubkey: BlsPublicKey) -> MessageId:
    """Return the message id of a single validator's duty."""
    return MessageId(domain + _role_bytes(role) + pubkey)


def message_domain(message_id: MessageId) -> DomainType:
    """Return the SSV domain that the id names."""
    return DomainType(message_id[_DOMAIN])


def message_role(message_id: MessageId) -> int:
    """Return the role number that the id names, which no rule set may know."""
    return int.from_bytes(message_id[_ROLE], "little", signed=True)


def duty_executor(message_id: MessageId) -> bytes:
    """Return the 48 executor bytes."""
    return message_id[_EXECUTOR]


def committee_of(message_id: MessageId) -> CommitteeId:
    """Return the committee id of a committee role's message; meaningless for validator roles."""
    return CommitteeId(message_id[_COMMITTEE])


def committee_padding(message_id: MessageId) -> bytes:
    """Return what stands before the committee id in a committee role's message id."""
    return message_id[_PADDING]


def belongs_to_validator(message_id: MessageId, pubkey: BlsPublicKey) -> bool:
    """Tell whether the message is of this validator, whatever its domain."""
    return message_id[_EXECUTOR] == pubkey


def belongs_to_committee(message_id: MessageId, committee: CommitteeId) -> bool:
    """Tell whether the message is of this committee, whatever domain and pad bytes it has."""
    return message_id[_COMMITTEE] == committee


def _role_bytes(role: RunnerRole) -> bytes:
    return int(role).to_bytes(4, "little", signed=True)
