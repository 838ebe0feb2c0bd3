"""What the validators' owner does in the course of the demo, by transactions.

It names a new fee recipient when the run begins to count, upon which all validators register with builders, and asks
for one validator's voluntary exit in the second counted epoch. The exited validator keeps its duties until its exit
epoch, which the beacon chain sets some epochs ahead.

Source: ssvlabs/ssv operator/duties: duties that events ask for are due `EVENT_DUTY_SLOTS` after the event's block.
"""

from __future__ import annotations

from dataclasses import dataclass

from web3.types import TxReceipt

from ssv_devnet.registry_contract import RegistryContract, exit_validators, set_fee_recipient
from ssv_ethereum.slot_clock import SlotClock
from ssv_protocol.types.ids import BlsPublicKey, ExecutionAddress, Instant, OperatorId, Slot, ValidatorIndex

EVENT_DUTY_SLOTS = 4
FEE_RECIPIENT = ExecutionAddress(b"\xfe" * 20)


@dataclass(slots=True)
class Owner:
    """Sends the owner's transactions; tells in which slots the duties are due that they ask for."""

    registry: RegistryContract
    operator_ids: tuple[OperatorId, ...]
    clock: SlotClock
    registrations_slot: Slot | None = None
    leaving: ValidatorIndex | None = None
    exit_slot: Slot | None = None

    async def name_fee_recipient(self, slot: Slot) -> None:
        """Change the fee recipient at the start of `slot`. Raises EvmError."""
        await self.clock.wait_for_slot(slot)
        self.registrations_slot = await self._duty_slot(await set_fee_recipient(self.registry, FEE_RECIPIENT))

    async def ask_for_exit(self, slot: Slot, index: ValidatorIndex, pubkey: BlsPublicKey) -> None:
        """Ask for the voluntary exit of a validator at the start of `slot`. Raises EvmError."""
        await self.clock.wait_for_slot(slot)
        receipt = await exit_validators(self.registry, [pubkey], self.operator_ids)
        self.leaving, self.exit_slot = index, await self._duty_slot(receipt)

    async def _duty_slot(self, receipt: TxReceipt) -> Slot:
        block = await self.registry.web3.eth.get_block(receipt["blockNumber"])
        return Slot(self.clock.chain.slot_at(Instant(block["timestamp"])) + EVENT_DUTY_SLOTS)
