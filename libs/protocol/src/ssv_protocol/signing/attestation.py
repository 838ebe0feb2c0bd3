"""May this attestation be signed with this share? The smallest rule that never allows a slashing.

Kept per share: the highest source, the highest target, and the signing root of the latter. A new attestation must
raise the target and must not lower the source, so it can neither share a target with an earlier one nor surround
it or be surrounded. The very attestation of the highest target may be signed again, because a successor of the
worker that asked first must be able to.

Not guaranteed: that every harmless attestation is allowed; one that is older than the record never is.

Source: architecture §5.1; EIP-3076 (conditions for signing); consensus-specs is_slashable_attestation_data.
"""

from __future__ import annotations

from ssv_protocol.signing.records import AttestationRecord
from ssv_protocol.signing.verdict import Approved, DenialReason, Denied
from ssv_protocol.types.ids import Epoch, Root


def check(
    record: AttestationRecord | None, source: Epoch, target: Epoch, signing_root: Root, current_epoch: Epoch
) -> Approved[AttestationRecord] | Denied:
    """Judge one attestation; `current_epoch` is that of the signer's clock."""
    if record is None:
        return Denied(DenialReason.NO_RECORD)
    if target == record.target and signing_root == record.signing_root:
        return Approved(record)
    if source >= target:
        # the chain has one such vote, in its genesis epoch; a record always begins at or after it
        return Denied(DenialReason.SOURCE_NOT_BEFORE_TARGET, f"source {source}, target {target}")
    if target > current_epoch + 1:
        return Denied(DenialReason.FAR_FUTURE, f"target {target} in epoch {current_epoch}")
    if target == record.target:
        return Denied(DenialReason.DOUBLE_VOTE, f"target {target}")
    if target < record.target:
        return Denied(DenialReason.TARGET_BELOW_RECORD, f"target {target}, record {record.target}")
    if source < record.source:
        return Denied(DenialReason.SURROUND, f"source {source}, record {record.source}")
    return Approved(AttestationRecord(source, target, signing_root))


def raised(record: AttestationRecord | None, current_epoch: Epoch) -> AttestationRecord:
    """Return the record raised to the current epoch, for a key about to become active; it never falls.

    The first target that can be signed afterwards is that of the next epoch.
    """
    floor = AttestationRecord(Epoch(max(current_epoch - 1, 0)), current_epoch)
    if record is None:
        return floor
    source = max(record.source, floor.source)
    if record.target >= floor.target:
        return AttestationRecord(source, record.target, record.signing_root)
    return AttestationRecord(source, floor.target)
