"""What the builder tells about itself under `/devnet/record`, for whoever checks that it was used."""

from __future__ import annotations

import msgspec

from ssv_ethereum.beacon.answers import to_hex
from ssv_ethereum.beacon.http import BeaconHttp

RECORD_PATH = "/devnet/record"


class RegistrationSeen(msgspec.Struct, frozen=True):
    """A validator's latest registration, addresses and keys in 0x hex; `count` valid ones came, repetitions too."""

    pubkey: str
    fee_recipient: str
    gas_limit: int
    timestamp: int
    count: int


class BidServed(msgspec.Struct, frozen=True):
    """A bid that was handed out, once however often it was asked for."""

    slot: int
    pubkey: str
    block_hash: str


class BlockUnblinded(msgspec.Struct, frozen=True):
    """A signed blinded block that the builder made full and the beacon node took."""

    slot: int
    proposer_index: int
    block_root: str
    block_hash: str


class BuilderRecord(msgspec.Struct, frozen=True):
    """Everything since the builder's start."""

    registrations: list[RegistrationSeen]
    refused_registrations: int
    bids: list[BidServed]
    unblinded: list[BlockUnblinded]

    def registration_of(self, pubkey: bytes) -> RegistrationSeen | None:
        """Return the validator's registration if there is one."""
        return next((seen for seen in self.registrations if seen.pubkey == to_hex(pubkey)), None)


async def read_record(url: str) -> BuilderRecord:
    """Ask the builder at `url`; raises BeaconError (the client is the beacon node's)."""
    http = BeaconHttp(url)
    try:
        return await http.get(RECORD_PATH, BuilderRecord)
    finally:
        await http.close()
