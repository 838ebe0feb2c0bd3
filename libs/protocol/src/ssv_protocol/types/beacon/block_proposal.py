"""A block to propose, of any fork, full or blinded: decoding it, blinding it, wrapping its signature.

Bytes do not say whether they are a full or a blinded block. The blinded form is tried first; no bytes are
both, because the first offset inside differs.

Source: ssv-spec types/consensus_data.go; beacon-APIs (produceBlockV3, publishBlockV2).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from ssv_protocol.beacon_chain import BeaconFork
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.types.beacon import capella, deneb, electra, fulu
from ssv_protocol.types.ids import BlsSignature, Root
from ssv_protocol.types.ssz import SszContainer

Block = capella.BeaconBlock | capella.BlindedBeaconBlock
ProposalValue = Block | deneb.BlockContents

_MODULES: dict[BeaconFork, Any] = {
    BeaconFork.CAPELLA: capella,
    BeaconFork.DENEB: deneb,
    BeaconFork.ELECTRA: electra,
    BeaconFork.FULU: fulu,
}


@dataclass(frozen=True, slots=True)
class BlockProposal:
    """An unsigned block as a beacon node hands it out.

    `value` is a blinded block, or before Deneb a full block, or since Deneb a full block with its blobs.
    """

    fork: BeaconFork
    value: ProposalValue

    @classmethod
    def decode(cls, version: int, data: bytes) -> BlockProposal:
        """Return the blinded or full proposal of a fork, given by its number on the wire.

        Raises:
            ProtocolError: UNKNOWN_BLOCK_VERSION, SSZ_DECODE (neither of both forms).
        """
        if version not in _MODULES:
            raise ProtocolError(Reason.UNKNOWN_BLOCK_VERSION, str(version))
        fork = BeaconFork(version)
        module = _MODULES[fork]
        full = module.BeaconBlock if fork < BeaconFork.DENEB else module.BlockContents
        try:
            return cls(fork, module.BlindedBeaconBlock.decode(data))
        except ProtocolError as blinded_error:
            try:
                return cls(fork, full.decode(data))
            except ProtocolError as full_error:
                raise ProtocolError(Reason.SSZ_DECODE, f"{blinded_error.detail}; {full_error.detail}") from None

    @property
    def blinded(self) -> bool:
        """Whether the payload stays with its builder."""
        return isinstance(self.value, capella.BlindedBeaconBlock)

    @property
    def block(self) -> Block:
        """The block itself, without blobs: what the proposer signs."""
        return self.value.block if isinstance(self.value, deneb.BlockContents) else self.value

    def root(self) -> Root:
        """Return the block root, which is the same for the full and the blinded form."""
        return self.block.hash_tree_root()

    def encode(self) -> bytes:
        """Return the SSZ encoding of `value`."""
        return self.value.encode()

    def blind(self) -> BlockProposal:
        """Return the proposal in its blinded form; a blinded one is returned as it is."""
        block = self.block
        if isinstance(block, capella.BlindedBeaconBlock):
            return self
        return BlockProposal(self.fork, _blind(_MODULES[self.fork], block))

    def signed(self, signature: BlsSignature) -> SszContainer:
        """Return what is published: the signed blinded block, the signed block, or that with its blobs."""
        module = _MODULES[self.fork]
        signed: SszContainer
        if self.blinded:
            signed = module.SignedBlindedBeaconBlock(self.value, signature)
        elif isinstance(self.value, deneb.BlockContents):
            signed = module.SignedBlockContents(
                module.SignedBeaconBlock(self.value.block, signature), self.value.kzg_proofs, self.value.blobs
            )
        else:
            signed = module.SignedBeaconBlock(self.value, signature)
        return signed


@dataclass(frozen=True, slots=True)
class SignedProposal:
    """A proposal and the proposer's signature over its block root."""

    proposal: BlockProposal
    signature: BlsSignature

    @property
    def container(self) -> SszContainer:
        """What is published, see `BlockProposal.signed`."""
        return self.proposal.signed(self.signature)


def _blind(module: Any, block: capella.BeaconBlock) -> capella.BlindedBeaconBlock:
    payload = block.body.execution_payload
    header = _convert(
        module.ExecutionPayloadHeader,
        payload,
        transactions_root=payload.field_root("transactions"),
        withdrawals_root=payload.field_root("withdrawals"),
    )
    body = _convert(module.BlindedBeaconBlockBody, block.body, execution_payload_header=header)
    blinded: capella.BlindedBeaconBlock = _convert(module.BlindedBeaconBlock, block, body=body)
    return blinded


def _convert(target: Any, source: SszContainer, **changed: Any) -> Any:
    """Return a `target` with the fields of the same name of `source`, except those that are given."""
    names = (field.name for field in fields(target))
    return target(**{name: changed[name] if name in changed else getattr(source, name) for name in names})
