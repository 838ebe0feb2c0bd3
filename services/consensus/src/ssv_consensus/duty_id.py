"""The name of a duty in logs and traces: <role>-<slot>-<first eight digits of its committee or validator>."""

from __future__ import annotations

from ssv_protocol.effects import Draft, QbftDraft
from ssv_protocol.types.ids import MessageId, Slot
from ssv_protocol.types.message_id import COMMITTEE_ROLES, committee_of, duty_executor, message_role
from ssv_protocol.types.roles import RunnerRole

_SHOWN = 8


def duty_id(message_id: MessageId, slot: Slot) -> str:
    """Return the name of the duty in `slot` whose messages carry an id."""
    role = message_role(message_id)
    executor = committee_of(message_id) if role in COMMITTEE_ROLES else duty_executor(message_id)
    return f"{RunnerRole(role).name.lower()}-{slot}-{executor.hex()[:_SHOWN]}"


def duty_id_of(draft: Draft) -> str:
    """Return the name of the duty that a draft is of."""
    slot = Slot(draft.message.height) if isinstance(draft, QbftDraft) else draft.slot
    return duty_id(draft.message_id, slot)
