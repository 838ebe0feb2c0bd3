"""ClusterLiquidated, ClusterReactivated and FeeRecipientAddressUpdated. None of them can be malformed.

Source: ssvlabs/ssv eth/eventhandler.
"""

from dataclasses import replace

from ssv_protocol.registry import changes, events
from ssv_protocol.registry.draft import Draft
from ssv_protocol.registry.state import ChainMoment, Recipient, cluster_id
from ssv_protocol.types.ids import BlsPublicKey


def cluster_liquidated(draft: Draft, event: events.ClusterLiquidated) -> changes.ClusterLiquidated | None:
    """Stop the cluster's validators; None when it has none."""
    cluster = cluster_id(event.owner, event.operator_ids)
    validators = _set_liquidated(draft, cluster, liquidated=True)
    return changes.ClusterLiquidated(cluster, validators) if validators else None


def cluster_reactivated(draft: Draft, event: events.ClusterReactivated) -> changes.ClusterReactivated | None:
    """Let the cluster's validators go on; None when it has none."""
    cluster = cluster_id(event.owner, event.operator_ids)
    validators = _set_liquidated(draft, cluster, liquidated=False)
    return changes.ClusterReactivated(cluster, validators) if validators else None


def fee_recipient_updated(
    draft: Draft, event: events.FeeRecipientAddressUpdated, moment: ChainMoment
) -> changes.FeeRecipientChanged | None:
    """Save the fee recipient, also of an owner without validators; None when it is the one there was."""
    known = draft.recipients.get(event.owner) or Recipient(event.owner)
    if known.fee_recipient == event.recipient:
        draft.recipients.put(event.owner, known)
        return None
    draft.recipients.put(event.owner, replace(known, fee_recipient=event.recipient, changed=moment))
    return changes.FeeRecipientChanged(event.owner, event.recipient)


def _set_liquidated(draft: Draft, cluster: bytes, *, liquidated: bool) -> tuple[BlsPublicKey, ...]:
    members = draft.cluster(cluster)
    for record in members:
        if record.liquidated != liquidated:
            draft.put_validator(replace(record, liquidated=liquidated))
    return tuple(record.public_key for record in members)
