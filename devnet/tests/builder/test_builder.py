"""Which bids there are, and which blinded blocks are made full."""

import asyncio
import secrets
from dataclasses import replace

import pytest

from ssv_devnet.builder.builder import BlindedBlockRefused, Builder
from ssv_devnet.builder.payload import Parent
from ssv_devnet.builder.registrations import RegistrationBook
from ssv_protocol.beacon_chain import BeaconChain, BeaconFork, ScheduledFork
from ssv_protocol.crypto import bls
from ssv_protocol.crypto.bls import SecretKey
from ssv_protocol.crypto.signing_root import (
    DOMAIN_APPLICATION_BUILDER,
    DOMAIN_BEACON_PROPOSER,
    compute_signing_root,
)
from ssv_protocol.types.beacon import fulu
from ssv_protocol.types.beacon.electra import ExecutionRequests, WithdrawalRequest
from ssv_protocol.types.beacon.operations import Eth1Data
from ssv_protocol.types.beacon.preset import SYNC_COMMITTEE_SIZE
from ssv_protocol.types.beacon.registration import SignedValidatorRegistration, ValidatorRegistration
from ssv_protocol.types.beacon.sync_committee import SyncAggregate
from ssv_protocol.types.ids import (
    ZERO_ROOT,
    BlsPublicKey,
    BlsSignature,
    Epoch,
    ExecutionAddress,
    ForkVersion,
    Root,
    Slot,
    ValidatorIndex,
)

FORK = ScheduledFork(BeaconFork.FULU, ForkVersion(bytes.fromhex("06000000")), Epoch(0))
CHAIN = BeaconChain(1000, Root(b"\x07" * 32), 6, 8, 8, 512, (FORK,))
PROPOSER, STRANGER, BUILDER = (SecretKey.generate(secrets.token_bytes) for _ in range(3))
PARENT = Parent(b"\x01" * 32, 11, 30_000_000, b"\x02" * 32)
SLOT = Slot(5)
REQUESTS = ExecutionRequests((), (WithdrawalRequest(ExecutionAddress(bytes(20)), BlsPublicKey(b"\x05" * 48), 1),), ())


@pytest.fixture
def builder() -> Builder:
    registrations = RegistrationBook(CHAIN, lambda: 1000)
    message = ValidatorRegistration(ExecutionAddress(b"\x03" * 20), 30_000_000, 1000, PROPOSER.public_key())
    root = compute_signing_root(message.hash_tree_root(), CHAIN.domain(DOMAIN_APPLICATION_BUILDER, Epoch(0)))
    assert registrations.take([SignedValidatorRegistration(message, PROPOSER.sign(root))]) == []
    return Builder(CHAIN, registrations, BUILDER, bid_every=2)


def header_bid(builder: Builder) -> fulu.ExecutionPayloadHeader:
    bid = builder.bid(SLOT, PARENT.block_hash, PROPOSER.public_key(), PARENT)
    assert bid is not None
    return bid.message.header


def block_with(header: fulu.ExecutionPayloadHeader, slot: Slot = SLOT) -> fulu.BlindedBeaconBlock:
    nothing = BlsSignature(bytes(96))
    body = fulu.BlindedBeaconBlockBody(
        nothing,
        Eth1Data(ZERO_ROOT, 0, bytes(32)),
        bytes(32),
        (),
        (),
        (),
        (),
        (),
        SyncAggregate((False,) * SYNC_COMMITTEE_SIZE, nothing),
        header,
        (),
        (),
        ExecutionRequests((), (), ()),
    )
    return fulu.BlindedBeaconBlock(slot, ValidatorIndex(9), ZERO_ROOT, ZERO_ROOT, body)


def signed(block: fulu.BlindedBeaconBlock, key: SecretKey = PROPOSER) -> fulu.SignedBlindedBeaconBlock:
    domain = CHAIN.domain(DOMAIN_BEACON_PROPOSER, CHAIN.epoch_of(block.slot))
    return fulu.SignedBlindedBeaconBlock(block, key.sign(compute_signing_root(block.hash_tree_root(), domain)))


def unblind(builder: Builder, *blocks: fulu.SignedBlindedBeaconBlock) -> list[bytes]:
    """Return what was published."""
    published: list[bytes] = []

    async def publish(contents: bytes) -> None:
        published.append(contents)

    async def all_at_once() -> None:
        await asyncio.gather(*(builder.unblind(block, publish) for block in blocks))

    asyncio.run(all_at_once())
    return published


def test_bids_are_for_registered_validators_in_every_second_slot(builder: Builder) -> None:
    assert builder.wants(SLOT, PROPOSER.public_key())
    assert not builder.wants(Slot(SLOT + 1), PROPOSER.public_key())
    assert not builder.wants(SLOT, STRANGER.public_key())
    assert builder.bid(SLOT, PARENT.block_hash, STRANGER.public_key(), PARENT) is None


def test_there_is_no_bid_on_another_parent(builder: Builder) -> None:
    assert builder.bid(SLOT, b"\x09" * 32, PROPOSER.public_key(), PARENT) is None
    assert builder.record().bids == []


def test_a_bid_is_signed_by_the_builder(builder: Builder) -> None:
    bid = builder.bid(SLOT, PARENT.block_hash, PROPOSER.public_key(), PARENT)
    assert bid is not None
    root = compute_signing_root(bid.message.hash_tree_root(), CHAIN.domain(DOMAIN_APPLICATION_BUILDER, Epoch(0)))
    assert bid.message.pubkey == BUILDER.public_key()
    assert bls.verify(BUILDER.public_key(), root, bid.signature)
    assert bid.message.header.timestamp == int(CHAIN.slot_start(SLOT))


def test_a_bid_asked_for_again_is_recorded_once(builder: Builder) -> None:
    assert header_bid(builder) == header_bid(builder)
    assert len(builder.record().bids) == 1


def test_the_full_block_has_the_root_that_was_signed(builder: Builder) -> None:
    blinded = signed(block_with(header_bid(builder)))
    (published,) = unblind(builder, blinded)
    full = fulu.SignedBlockContents.decode(published)
    assert full.signed_block.message.hash_tree_root() == blinded.message.hash_tree_root()
    assert full.signed_block.signature == blinded.signature
    assert [block.slot for block in builder.record().unblinded] == [SLOT]


def test_a_block_handed_over_by_several_is_published_once(builder: Builder) -> None:
    blinded = signed(block_with(header_bid(builder)))
    assert len(unblind(builder, blinded, blinded, blinded)) == 1


def test_a_block_that_the_node_refused_may_come_again(builder: Builder) -> None:
    blinded = signed(block_with(header_bid(builder)))

    async def refuse(_: bytes) -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        asyncio.run(builder.unblind(blinded, refuse))
    assert builder.record().unblinded == []
    assert len(unblind(builder, blinded)) == 1


def test_foreign_blocks_are_refused(builder: Builder) -> None:
    header = header_bid(builder)
    block = block_with(header)
    foreign = {
        "no bid with this header": [
            block_with(replace(header, block_hash=b"\x0a" * 32)),
            block_with(replace(header, fee_recipient=ExecutionAddress(b"\x0b" * 20))),
        ],
        "the bid was for slot 5": [block_with(header, Slot(7))],
        "neither blobs nor requests": [
            replace(block, body=replace(block.body, execution_requests=REQUESTS)),
            replace(block, body=replace(block.body, blob_kzg_commitments=(b"\x0c" * 48,))),
        ],
    }
    for reason, blocks in foreign.items():
        for wrong in blocks:
            with pytest.raises(BlindedBlockRefused, match=reason):
                unblind(builder, signed(wrong))


def test_a_block_of_another_signer_is_refused(builder: Builder) -> None:
    with pytest.raises(BlindedBlockRefused, match="not signed by the validator"):
        unblind(builder, signed(block_with(header_bid(builder)), STRANGER))
