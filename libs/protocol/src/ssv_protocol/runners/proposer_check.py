"""May this validator's committee agree on this block? The value check of role 2.

A value passes when it is a block of a fork that we know, full or blinded, for this validator's duty of proposing, in
an epoch that has come or is next, and not slashable. Which block of a fork it is does not matter: the leader's
beacon node has built it, ours may have built another.

Under Alan one container serves the duties of roles 1 to 3, so a value for another duty may be well-formed and is
then refused for its duty; Boole's container is the proposer's alone, so such a value is refused as malformed.

Source: ssv-spec ssv/value_check.go at main (Boole) and at v1.2.2 (Alan).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.forks import SsvFork
from ssv_protocol.runners.duty_check import check_duty
from ssv_protocol.types.ids import BlsPublicKey, Epoch, Slot, ValidatorIndex
from ssv_protocol.types.proposer_data import ProposerConsensusData
from ssv_protocol.types.roles import BeaconRole
from ssv_protocol.types.validator_data import ValidatorConsensusData

EpochClock = Callable[[], Epoch]
"""Which epoch it is at the moment of the check."""


@dataclass(frozen=True, slots=True)
class ProposerCheck:
    """The check for one validator. `fork` is the rule set of the duty's slot.

    `slashable` tells whether the operator's share may not sign a block of a slot.
    """

    pubkey: BlsPublicKey
    index: ValidatorIndex
    fork: SsvFork
    chain: BeaconChain
    current_epoch: EpochClock
    slashable: Callable[[Slot], bool]

    def __call__(self, value: bytes) -> None:
        """Raise unless `value` is a block that this operator agrees to.

        Raises:
            ProtocolError: PROPOSER_DATA_DECODE, VALUE_INVALID, SLASHABLE_BLOCK, and those of `check_duty`.
        """
        data = decode_value(value)
        try:
            if self.fork is SsvFork.ALAN:
                ValidatorConsensusData(data.duty, data.version, data.data).validate()
            else:
                data.validate()
        except ProtocolError as error:
            raise ProtocolError(Reason.VALUE_INVALID, str(error)) from None
        check_duty(data.duty, BeaconRole.PROPOSER, self.pubkey, self.index, self.chain, self.current_epoch())
        slot = data.proposal().block.slot
        if self.slashable(slot):
            raise ProtocolError(Reason.SLASHABLE_BLOCK, f"slot {slot}")


def decode_value(value: bytes) -> ProposerConsensusData:
    """Decode a value, whose layout is the same under both rule sets; raises ProtocolError PROPOSER_DATA_DECODE."""
    try:
        return ProposerConsensusData.decode(value)
    except ProtocolError as error:
        raise ProtocolError(Reason.PROPOSER_DATA_DECODE, error.detail) from None
