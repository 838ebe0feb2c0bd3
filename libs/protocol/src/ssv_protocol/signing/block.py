"""May this block be signed with this share? One block a slot, and slots only rise.

Kept per share: the highest slot and the signing root of its block. That very block may be signed again.

Source: architecture §5.1; EIP-3076 (conditions for signing).
"""

from __future__ import annotations

from ssv_protocol.signing.records import ProposalRecord
from ssv_protocol.signing.verdict import Approved, DenialReason, Denied
from ssv_protocol.types.ids import Root, Slot


def check(
    record: ProposalRecord | None, slot: Slot, signing_root: Root, latest_slot: Slot
) -> Approved[ProposalRecord] | Denied:
    """Judge one block; `latest_slot` is the last slot that the signer's clock allows (`window.latest`)."""
    if record is None:
        return Denied(DenialReason.NO_RECORD)
    if slot == record.slot and signing_root == record.signing_root:
        return Approved(record)
    if slot > latest_slot:
        return Denied(DenialReason.FAR_FUTURE, f"slot {slot}, latest {latest_slot}")
    if slot == record.slot:
        return Denied(DenialReason.DOUBLE_PROPOSAL, f"slot {slot}")
    if slot < record.slot:
        return Denied(DenialReason.SLOT_BELOW_RECORD, f"slot {slot}, record {record.slot}")
    return Approved(ProposalRecord(slot, signing_root))


def raised(record: ProposalRecord | None, current_slot: Slot) -> ProposalRecord:
    """Return the record raised to the current slot, for a key about to become active; it never falls."""
    if record is not None and record.slot >= current_slot:
        return record
    return ProposalRecord(current_slot)
