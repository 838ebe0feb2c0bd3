"""May this validator's committee agree on this aggregate, or on these contributions? The value check of roles 1 and 3.

A value passes when it is well-formed and made for a duty of this validator. Neither object can be slashed, so what the
leader's beacon node has aggregated is taken as it is.

Source: ssv-spec v1.2.2 ssv/value_check.go.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.runners.duty_check import check_duty
from ssv_protocol.types.ids import BlsPublicKey, Epoch, ValidatorIndex
from ssv_protocol.types.roles import BeaconRole
from ssv_protocol.types.validator_data import ValidatorConsensusData


@dataclass(frozen=True, slots=True)
class ValidatorDataCheck:
    """The check for one validator and kind of duty; `current_epoch` is asked at the moment of the check."""

    role: BeaconRole
    pubkey: BlsPublicKey
    index: ValidatorIndex
    chain: BeaconChain
    current_epoch: Callable[[], Epoch]

    def __call__(self, value: bytes) -> None:
        """Raise unless `value` is an object that this operator agrees to.

        Raises:
            ProtocolError: SSZ_DECODE, VALUE_INVALID, and those of `check_duty`.
        """
        data = ValidatorConsensusData.decode(value)
        try:
            data.validate()
        except ProtocolError as error:
            raise ProtocolError(Reason.VALUE_INVALID, str(error)) from None
        check_duty(data.duty, self.role, self.pubkey, self.index, self.chain, self.current_epoch())
