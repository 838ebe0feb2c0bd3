"""Telling the node each epoch whom to pay for the blocks of the validators that this client runs.

Without it a node begins to build a payload only when it is asked for the block, and asks no builder at all.

Source: consensus-specs bellatrix/validator.md "Block proposal"; beacon-APIs prepareBeaconProposer.
"""

from __future__ import annotations

from ssv_devnet.background_validators.crew import Crew
from ssv_protocol.types.ids import Epoch, ExecutionAddress

FEE_RECIPIENT = ExecutionAddress(b"\xbb" * 20)


async def prepare(crew: Crew, epoch: Epoch) -> None:
    """Prepare the validators run in `epoch`; the node remembers it for the next epoch too. Raises BeaconError."""
    mine = [index for index in crew.keyring.indices() if crew.handover.runs(index, epoch)]
    await crew.node.proposers.prepare(dict.fromkeys(mine, FEE_RECIPIENT))
