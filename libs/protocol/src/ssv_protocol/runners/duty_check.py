"""Is the duty inside of a proposed value this validator's own? Part of the value checks of roles 1 to 3.

Source: ssv-spec ssv/value_check.go (dutyValueCheck).
"""

from __future__ import annotations

from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import BlsPublicKey, Epoch, ValidatorIndex
from ssv_protocol.types.roles import BeaconRole


def check_duty(
    duty: ValidatorDuty,
    role: BeaconRole,
    pubkey: BlsPublicKey,
    index: ValidatorIndex,
    chain: BeaconChain,
    current_epoch: Epoch,
) -> None:
    """Check that a value's duty is of this kind, of this validator, and at most an epoch ahead.

    Raises:
        ProtocolError: DUTY_EPOCH_TOO_FAR, DUTY_ROLE, DUTY_VALIDATOR_PUBKEY, DUTY_VALIDATOR_INDEX.
    """
    epoch = chain.epoch_of(duty.slot)
    if epoch > current_epoch + 1:
        raise ProtocolError(Reason.DUTY_EPOCH_TOO_FAR, f"epoch {epoch} in epoch {current_epoch}")
    if duty.type != role:
        raise ProtocolError(Reason.DUTY_ROLE, f"beacon role {duty.type}")
    if duty.pubkey != pubkey:
        raise ProtocolError(Reason.DUTY_VALIDATOR_PUBKEY, duty.pubkey.hex())
    if duty.validator_index != index:
        raise ProtocolError(Reason.DUTY_VALIDATOR_INDEX, str(duty.validator_index))
