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
    if event.operator_id in draft.operators:
        raise Skip(SkipReason.OPERATOR_EXISTS, f"operator {event.operator_id}")
    if draft.operator_with_key(event.public_key) is not None:
        raise Skip(SkipReason.OPERATOR_KEY_EXISTS, f"operator {event.operator_id}")
    record = OperatorRecord(event.operator_id, event.owner, event.public_key, _pem_or_none(event.public_key))
    draft.put_operator(record)
    return changes.OperatorAdded(record)


def operator_removed(draft: Draft, event: events.OperatorRemoved) -> changes.OperatorRemoved:
    """Forget an operator; raises Skip when it is unknown. Committees keep its id."""
    if event.operator_id not in draft.operators:
        raise Skip(SkipReason.OPERATOR_UNKNOWN, f"operator {event.operator_id}")
    draft.drop_operator(event.operator_id)
    return changes.OperatorRemoved(event.operator_id)


def _pem_or_none(payload: bytes) -> bytes | None:
    try:
        return operator_pem(payload)
    except ProtocolError:
        return None
