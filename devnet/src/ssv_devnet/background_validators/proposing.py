"""The block of a slot, if it is the turn of a validator that this client runs.

Source: consensus-specs phase0/validator.md "Block proposal"; beacon-APIs produceBlockV3.
"""

from __future__ import annotations

import asyncio

from ssv_devnet.background_validators.crew import Crew
from ssv_ethereum.beacon.blocks import ProducedBlock
from ssv_protocol.beacon_chain import BeaconFork
from ssv_protocol.crypto.signing_root import DOMAIN_BEACON_PROPOSER, DOMAIN_RANDAO, uint64_root
from ssv_protocol.errors import SsvError
from ssv_protocol.types.beacon import electra, fulu
from ssv_protocol.types.ids import Slot, ValidatorIndex

_FORKS = {BeaconFork.ELECTRA: electra, BeaconFork.FULU: fulu}
_GRAFFITI = b"devnet background"
_NO_BUILDER = 0
"""SSV may register a validator before it is released: a builder's bid must not count for it here."""


class UnexpectedBlock(SsvError):
    """The node handed out a block that this client does not sign."""


async def propose(crew: Crew, slot: Slot) -> None:
    """Have the node build the block of `slot`, sign and publish it. Raises BeaconError, UnexpectedBlock."""
    proposer = (await crew.duties.of_slot(slot)).proposers.get(slot)
    if proposer is None or slot == 0:  # the genesis block takes slot 0, though duties name a proposer
        return
    epoch = crew.chain.epoch_of(slot)
    if not crew.handover.runs(proposer, epoch):
        return
    randao_root = crew.signing_root(uint64_root(epoch), DOMAIN_RANDAO, epoch)
    reveal = crew.keyring.sign_now(proposer, randao_root)
    produced = await crew.node.blocks.produce(slot, reveal, _GRAFFITI, builder_boost_factor=_NO_BUILDER)
    signed = await asyncio.to_thread(_signed, crew, slot, proposer, produced)
    await crew.node.blocks.publish(signed, produced.fork)


def _signed(crew: Crew, slot: Slot, proposer: ValidatorIndex, produced: ProducedBlock) -> bytes:
    """Return the SSZ of the signed block contents."""
    types = _FORKS.get(produced.fork)
    if types is None or produced.is_blinded:
        raise UnexpectedBlock(f"a full block of Electra or Fulu expected, got {produced.fork.name}")
    contents = types.BlockContents.decode(produced.ssz)
    block = contents.block
    if (block.slot, block.proposer_index) != (slot, proposer):
        raise UnexpectedBlock(f"the block is of slot {block.slot} by {block.proposer_index}")
    epoch = crew.chain.epoch_of(slot)
    root = crew.signing_root(block.hash_tree_root(), DOMAIN_BEACON_PROPOSER, epoch)
    signed_block = types.SignedBeaconBlock(block, crew.keyring.sign_now(proposer, root))
    signed: bytes = types.SignedBlockContents(signed_block, contents.kzg_proofs, contents.blobs).encode()
    return signed
