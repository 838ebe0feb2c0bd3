"""The registry as the chain tells it, from the contract's first block on, without a database.

Invariant: the result is a function of the chain and `to_block` alone, so its hash is that of every listener that stands
at the same block of the same chain.

Source: architecture §5.8.
"""

from __future__ import annotations

from collections.abc import Callable

from ssv_ethereum.execution.pool import ExecutionPool
from ssv_ethereum.ownership import OwnershipChecks, useful_processes
from ssv_ethereum.registry_blocks import read_blocks
from ssv_protocol.networks import SsvNetwork
from ssv_protocol.registry.apply import apply_block
from ssv_protocol.registry.state import RegistryState


async def rebuild_registry(
    pool: ExecutionPool, network: SsvNetwork, to_block: int, on_block: Callable[[int], None] = lambda _: None
) -> RegistryState:
    """Return the registry after `to_block`, a block of the chain that `pool` reads; `on_block` is told how far it is.

    Nodes that fail are asked again for ever. Raises ChainReorganised when a block is replaced meanwhile.
    """
    state = RegistryState()
    ownership = OwnershipChecks(useful_processes())
    blocks = read_blocks(pool, network.registry_contract, network.registry_from_block, to_block, head=to_block)
    try:
        async for batch in blocks:
            checked = await ownership.ahead(state, batch.updates)
            for update in batch.updates:
                block = apply_block(
                    state, update.block_number, update.block_hash, update.logs, update.time_s, checked.verify
                )
                state = block.state
            on_block(state.block_number)
    finally:
        await ownership.rest()
    return state
