"""BLOCK and BLOCK_V2: slashable. One block a slot, and slots only rise.

BLOCK_V2 brings a Phase 0 or Altair block whole or by its header, and a later one by its header; BLOCK is the old form,
a whole block of Phase 0.

Source: `ssv_protocol.signing.block`; EIP-3076; remote-signing API (BeaconBlockRequest).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ssv_protocol.beacon_chain import BeaconChain, BeaconFork
from ssv_protocol.crypto.signing_root import DOMAIN_BEACON_PROPOSER, compute_signing_root
from ssv_protocol.signing import block
from ssv_protocol.signing.verdict import Denied
from ssv_protocol.signing.watermarks import KeyRecord
from ssv_protocol.types.beacon.operations import BeaconBlockHeader
from ssv_protocol.types.ids import Epoch, Root
from ssv_protocol.types.ssz_json import Malformed, from_json, mapping
from ssv_signer.remote.errors import Refused
from ssv_signer.remote.old_blocks import AltairBeaconBlock, Phase0BeaconBlock
from ssv_signer.remote.rules.kind import Kind, View
from ssv_signer.remote.rules.versions import check_version, read_version, versioned_schema
from ssv_signer.remote.ssz_schema import Components, Schema, container_schema

_WHOLE: dict[BeaconFork, type[Phase0BeaconBlock] | type[AltairBeaconBlock]] = {
    BeaconFork.PHASE0: Phase0BeaconBlock,
    BeaconFork.ALTAIR: AltairBeaconBlock,
}


@dataclass(frozen=True, slots=True)
class BlockRequest:
    """A block of a fork, whole or by its header: both have the same root."""

    version: BeaconFork
    block: BeaconBlockHeader | Phase0BeaconBlock | AltairBeaconBlock


def read(plain: object, place: str) -> BlockRequest:
    """Read the object of BLOCK_V2; raises Malformed."""
    version, known = read_version(plain, place), mapping(plain, place)
    if "block_header" in known:
        header = from_json(BeaconBlockHeader, known["block_header"], f"{place}.block_header")
        return BlockRequest(version, header)
    if version in _WHOLE and "block" in known:
        return BlockRequest(version, from_json(_WHOLE[version], known["block"], f"{place}.block"))
    raise Malformed(f"{place}.block_header", "is missing")


def read_phase0(plain: object, place: str) -> BlockRequest:
    """Read the object of BLOCK; raises Malformed."""
    return BlockRequest(BeaconFork.PHASE0, from_json(Phase0BeaconBlock, plain, place))


def schema(components: Components) -> Schema:
    """Describe the object of BLOCK_V2."""
    header = container_schema(BeaconBlockHeader, components)
    whole = [
        versioned_schema([fork], "block", container_schema(container, components)) for fork, container in _WHOLE.items()
    ]
    return {"anyOf": [versioned_schema(list(BeaconFork), "block_header", header), *_without_header(whole)]}


def epoch(chain: BeaconChain, item: BlockRequest) -> Epoch:
    """Return the epoch whose fork it is signed under."""
    return chain.epoch_of(item.block.slot)


def signing_root(chain: BeaconChain, item: BlockRequest) -> Root:
    """Return what is signed."""
    return compute_signing_root(item.block.hash_tree_root(), chain.domain(DOMAIN_BEACON_PROPOSER, epoch(chain, item)))


def check(view: View, item: BlockRequest, root: Root) -> KeyRecord | Refused:
    """Judge it by the key's highest slot."""
    refused = check_version(view.chain, item.version, epoch(view.chain, item))
    if refused is not None:
        return refused
    verdict = block.check(view.record.proposal, item.block.slot, root, view.latest)
    if isinstance(verdict, Denied):
        return Refused.by_rule(verdict)
    return replace(view.record, proposal=verdict.record)


def _without_header(schemas: list[Schema]) -> list[Schema]:
    # a header that is there is what is read
    return [each | {"not": {"required": ["block_header"]}} for each in schemas]


KIND = Kind("BLOCK_V2", "beacon_block", read, schema, epoch, signing_root, check)
PHASE0_KIND = Kind(
    "BLOCK",
    "block",
    read_phase0,
    lambda components: container_schema(Phase0BeaconBlock, components),
    epoch,
    signing_root,
    check,
)
