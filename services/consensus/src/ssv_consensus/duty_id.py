"""The name of a duty in logs and traces: <role>-<slot>-<first eight digits of its committee>."""

from __future__ import annotations

from ssv_protocol.effects import Draft, QbftDraft
from ssv_protocol.types.ids import CommitteeId, Slot
from ssv_protocol.types.message_id import committee_of, message_role
from ssv_protocol.types.roles import RunnerRole

_SHOWN = 8


def duty_id(role: RunnerRole, slot: Slot, committee: CommitteeId) -> str:
    """Return the name of a committee's duty."""
    return f"{role.name.lower()}-{slot}-{committee.hex()[:_SHOWN]}"


def duty_id_of(draft: Draft) -> str:
    """Return the name of the duty that a draft is of."""
    slot = Slot(draft.message.height) if isinstance(draft, QbftDraft) else draft.slot
    return duty_id(RunnerRole(message_role(draft.message_id)), slot, committee_of(draft.message_id))
