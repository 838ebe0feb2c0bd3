"""OperatorAdded and OperatorRemoved.

Source: ssvlabs/ssv eth/eventhandler.
"""

from ssv_protocol.errors import ProtocolError
from ssv_protocol.registry import changes, events
from ssv_protocol.registry.draft import Draft
from ssv_protocol.registry.operator_key import operator_pem
from ssv_protocol.registry.reasons import SkipReason
from ssv_protocol.registry.skip import Skip
from ssv_protocol.registry.state import OperatorRecord


def operator_added(draft: Draft, event: events.OperatorAdded) -> changes.OperatorAdded:
    """Add an operator; raises Skip when its id or its key is taken."""
    known = draft.operators.view
    if event.operator_id in known:
        raise Skip(SkipReason.OPERATOR_EXISTS, f"operator {event.operator_id}")
    if any(record.public_key == event.public_key for record in known.values()):
        raise Skip(SkipReason.OPERATOR_KEY_EXISTS, f"operator {event.operator_id}")
    record = OperatorRecord(event.operator_id, event.owner, event.public_key, _pem_or_none(event.public_key))
    draft.operators.put(record.operator_id, record)
    return changes.OperatorAdded(record)


def operator_removed(draft: Draft, event: events.OperatorRemoved) -> changes.OperatorRemoved:
    """Forget an operator; raises Skip when it is unknown. Committees keep its id."""
    if event.operator_id not in draft.operators.view:
        raise Skip(SkipReason.OPERATOR_UNKNOWN, f"operator {event.operator_id}")
    draft.operators.drop(event.operator_id)
    return changes.OperatorRemoved(event.operator_id)


def _pem_or_none(payload: bytes) -> bytes | None:
    try:
        return operator_pem(payload)
    except ProtocolError:
        return None
