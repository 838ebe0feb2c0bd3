"""Producing, publishing and reading blocks.

Blocks to sign travel as SSZ and are handed on undecoded: the proposer needs their exact bytes. Blocks that are read
back are cut down to their content for validators (`block_content`), which can be had from here too.

Source: beacon-APIs, `produceBlockV3`, `publishBlockV2`, `publishBlindedBlockV2`, `getBlockV2`, `getBlockRoot`,
`getBlockHeader`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec

from ssv_ethereum.beacon.answers import Envelope, Hex32, Uint, to_hex
from ssv_ethereum.beacon.block_content import BlockAttestation, BlockContent, BlockVotes, SignedBlockAnswer
from ssv_ethereum.beacon.errors import BeaconAnswerInvalid, BeaconRefused
from ssv_ethereum.beacon.http import JSON, SSZ, BeaconHttp, Query
from ssv_ethereum.beacon.versions import VERSION_HEADER, fork_named, version_header
from ssv_protocol.beacon_chain import BeaconFork
from ssv_protocol.types.ids import BlsSignature, Root, Slot

__all__ = ["BlockAttestation", "BlockContent", "BlockId", "BlockVotes", "BlocksApi", "ProducedBlock"]

BlockId = Slot | Literal["head", "justified", "finalized", "genesis"]
_NOT_FOUND = 404
_BLINDED_HEADER = "Eth-Execution-Payload-Blinded"


@dataclass(frozen=True, slots=True)
class ProducedBlock:
    """An unsigned block: SSZ of BlockContents of its fork, or of a BlindedBeaconBlock."""

    fork: BeaconFork
    is_blinded: bool
    ssz: bytes


class _Root(msgspec.Struct, frozen=True):
    root: Hex32


class _HeaderMessage(msgspec.Struct, frozen=True):
    slot: Uint


class _SignedHeader(msgspec.Struct, frozen=True):
    message: _HeaderMessage


class _HeaderAnswer(msgspec.Struct, frozen=True):
    header: _SignedHeader


@dataclass(frozen=True, slots=True)
class BlocksApi:
    """Blocks of the chain and blocks for it."""

    http: BeaconHttp

    async def root(self, block: BlockId) -> Root | None:
        """Return the root of the block of that slot or name, None where there is none. Raises BeaconError."""
        path = f"/eth/v1/beacon/blocks/{block}/root"
        try:
            answer = await self.http.get(path, Envelope[_Root])
        except BeaconRefused as error:
            if error.status == _NOT_FOUND:
                return None
            raise
        return Root(bytes(answer.data.root))

    async def slot_of(self, block_root: Root) -> Slot:
        """Return the slot of the block with this root. Raises BeaconError; BeaconRefused 404 when it is unknown."""
        path = f"/eth/v1/beacon/headers/{to_hex(block_root)}"
        return Slot((await self.http.get(path, Envelope[_HeaderAnswer])).data.header.message.slot)

    async def votes(self, block: BlockId) -> BlockVotes | None:
        """Return the votes in the block of that slot or name, None where there is none. Raises BeaconError."""
        content = await self.content(block)
        return content.votes if content else None

    async def content(self, block: BlockId) -> BlockContent | None:
        """Return the content of the block of that slot or name, None where there is none. Raises BeaconError."""
        try:
            answer = await self.http.get(f"/eth/v2/beacon/blocks/{block}", Envelope[SignedBlockAnswer])
        except BeaconRefused as error:
            if error.status == _NOT_FOUND:
                return None
            raise
        return answer.data.content()

    async def produce(
        self,
        slot: Slot,
        randao_reveal: BlsSignature,
        graffiti: bytes = b"",
        *,
        builder_boost_factor: int | None = None,
        deadline_s: float | None = None,
    ) -> ProducedBlock:
        """Have the node build a block; whether full or blinded, the node decides.

        Args:
            slot: of the block.
            randao_reveal: the proposer's signature over the epoch.
            graffiti: at most 32 bytes.
            builder_boost_factor: weight of the builder's bid in percent; None leaves it to the node.
            deadline_s: seconds to wait for it; None takes the client's.

        Raises:
            BeaconError: also for an answer that is not SSZ or of an unknown fork.
        """
        path = f"/eth/v3/validator/blocks/{slot}"
        query: dict[str, str | int] = {
            "randao_reveal": to_hex(randao_reveal),
            "graffiti": to_hex(graffiti.ljust(32, b"\0")),
        }
        if builder_boost_factor is not None:
            query["builder_boost_factor"] = builder_boost_factor
        answer = await self.http.request("GET", path, query=query, headers={"Accept": SSZ}, deadline_s=deadline_s)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        if not headers.get("content-type", "").startswith(SSZ):
            raise BeaconAnswerInvalid(self.http.endpoint, f"GET {path}", "the block is not SSZ")
        try:
            fork = fork_named(headers.get(VERSION_HEADER.lower(), ""))
        except KeyError as error:
            raise BeaconAnswerInvalid(self.http.endpoint, f"GET {path}", f"unknown fork {error}") from None
        is_blinded = headers.get(_BLINDED_HEADER.lower(), "").lower() == "true"
        return ProducedBlock(fork, is_blinded, answer.body)

    async def publish(
        self, signed_ssz: bytes, fork: BeaconFork, *, is_blinded: bool = False, deadline_s: float | None = None
    ) -> None:
        """Publish SSZ of SignedBlockContents, or of a SignedBlindedBeaconBlock, after gossip validation.

        Raises BeaconError. A node may answer an error and still have broadcast the block, or have it from somebody
        else (HTTP 202 counts as success). A node has the builder reveal a blinded block, which takes its time.
        """
        path = "/eth/v2/beacon/blinded_blocks" if is_blinded else "/eth/v2/beacon/blocks"
        query: Query = {"broadcast_validation": "gossip"}
        headers = {"Content-Type": SSZ, "Accept": JSON, **version_header(fork)}
        await self.http.request("POST", path, query=query, headers=headers, body=signed_ssz, deadline_s=deadline_s)
