"""The builder's business: registrations in, bids out, signed blinded blocks in, full blocks to the beacon node.

Invariants: it bids only for registered validators, in the last of every `bid_every` slots, and only on the beacon
node's head; it publishes a payload only for a blinded block that holds exactly the header bid and that the bid's
proposer signed. A block is published once, however often its proposer hands it over.

Not guaranteed: memory; what was bid and published is kept for the record until the process ends.

Source: builder-specs specs/bellatrix/builder.md, specs/fulu/builder.md; beacon-APIs publishBlockV2.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ssv_devnet.builder.containers import BuilderBid, SignedBuilderBid, header_of, unblinded
from ssv_devnet.builder.payload import Parent, build_payload
from ssv_devnet.builder.record import BidServed, BlockUnblinded, BuilderRecord, RegistrationSeen
from ssv_devnet.builder.registrations import RegistrationBook
from ssv_ethereum.beacon.answers import to_hex
from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.crypto.bls import SecretKey, verify
from ssv_protocol.crypto.signing_root import (
    DOMAIN_APPLICATION_BUILDER,
    DOMAIN_BEACON_PROPOSER,
    compute_signing_root,
)
from ssv_protocol.errors import SsvError
from ssv_protocol.types.beacon import fulu
from ssv_protocol.types.ids import GENESIS_EPOCH, BlsPublicKey, Root, Slot

BID_WEI = 10**16
"""A hundredth of an ether: ten million times what the mock execution layer values its own payloads."""
NO_REQUESTS = fulu.ExecutionRequests((), (), ())

Publish = Callable[[bytes], Awaitable[None]]
"""Hands SSZ of SignedBlockContents to the beacon node."""

_log = logging.getLogger(__name__)


class BlindedBlockRefused(SsvError):
    """A blinded block that is not the one that was bid for; the text says how it differs."""


@dataclass(frozen=True, slots=True)
class _Offer:
    slot: Slot
    pubkey: BlsPublicKey
    payload: fulu.ExecutionPayload


class Builder:
    """Bids on `chain` for `registrations`, signed with `key`."""

    def __init__(self, chain: BeaconChain, registrations: RegistrationBook, key: SecretKey, bid_every: int = 1) -> None:
        self._chain = chain
        self.registrations = registrations
        self._key = key
        self._bid_every = bid_every
        self._offers: dict[bytes, _Offer] = {}
        self._published: dict[Root, BlockUnblinded] = {}
        self._publishing = asyncio.Lock()

    def wants(self, slot: Slot, pubkey: BlsPublicKey) -> bool:
        """Tell whether there may be a bid for the validator's block of `slot`."""
        return (slot + 1) % self._bid_every == 0 and self.registrations.of(pubkey) is not None

    def bid(self, slot: Slot, parent_hash: bytes, pubkey: BlsPublicKey, parent: Parent) -> SignedBuilderBid | None:
        """Return the bid for a block of `slot` on `parent`, or None if that is not the parent asked for."""
        registration = self.registrations.of(pubkey)
        if registration is None or parent.block_hash != parent_hash:
            return None
        payload = build_payload(parent, int(self._chain.slot_start(slot)), registration)
        self._offers.setdefault(payload.block_hash, _Offer(slot, pubkey, payload))
        message = BuilderBid(header_of(payload), (), NO_REQUESTS, BID_WEI, self._key.public_key())
        domain = self._chain.domain(DOMAIN_APPLICATION_BUILDER, GENESIS_EPOCH)
        return SignedBuilderBid(message, self._key.sign(compute_signing_root(message.hash_tree_root(), domain)))

    async def unblind(self, signed: fulu.SignedBlindedBeaconBlock, publish: Publish) -> None:
        """Have the full block published, unless it was. Raises BlindedBlockRefused, and what `publish` raises."""
        root, contents = await asyncio.to_thread(self._full, signed)
        async with self._publishing:
            if root in self._published:
                return
            await publish(contents.encode())
            block = signed.message
            block_hash = to_hex(block.body.execution_payload_header.block_hash)
            self._published[root] = BlockUnblinded(block.slot, block.proposer_index, to_hex(root), block_hash)
            _log.info("slot %d: published the full block of validator %d", block.slot, block.proposer_index)

    def record(self) -> BuilderRecord:
        """Return what happened so far."""
        seen = [
            RegistrationSeen(
                to_hex(registered.message.pubkey),
                to_hex(registered.message.fee_recipient),
                registered.message.gas_limit,
                registered.message.timestamp,
                registered.count,
            )
            for registered in self.registrations.all()
        ]
        bids = [
            BidServed(offer.slot, to_hex(offer.pubkey), to_hex(block_hash))
            for block_hash, offer in self._offers.items()
        ]
        return BuilderRecord(seen, self.registrations.refused, bids, list(self._published.values()))

    def _full(self, signed: fulu.SignedBlindedBeaconBlock) -> tuple[Root, fulu.SignedBlockContents]:
        """Return the block's root and its full form. Raises BlindedBlockRefused."""
        block = signed.message
        offer = self._offers.get(block.body.execution_payload_header.block_hash)
        if offer is None or block.body.execution_payload_header != header_of(offer.payload):
            raise BlindedBlockRefused(f"slot {block.slot}: there was no bid with this header")
        if offer.slot != block.slot:
            raise BlindedBlockRefused(f"slot {block.slot}: the bid was for slot {offer.slot}")
        if block.body.blob_kzg_commitments or block.body.execution_requests != NO_REQUESTS:
            raise BlindedBlockRefused(f"slot {block.slot}: the bid had neither blobs nor requests")
        root = block.hash_tree_root()
        domain = self._chain.domain(DOMAIN_BEACON_PROPOSER, self._chain.epoch_of(block.slot))
        if not verify(offer.pubkey, compute_signing_root(root, domain), signed.signature):
            raise BlindedBlockRefused(f"slot {block.slot}: not signed by the validator that the bid was for")
        return root, unblinded(signed, offer.payload)
