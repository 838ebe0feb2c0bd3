"""The full block of each fork that the vectors' beacon node proposes, out of the types suite, which holds them all."""

from __future__ import annotations

import json
from functools import lru_cache

from ssv_protocol.beacon_chain import BeaconFork
from ssv_protocol.types.beacon.block_proposal import BlockProposal
from tests.spec.go_json import parse_bytes
from tests.spec.vectors import unpacked

_FILE = "proposerconsensusdata.ProposerConsensusDataTest_proposerconsensusdata_valid_{}_block.json"


@lru_cache
def test_block(fork: BeaconFork) -> BlockProposal:
    """Return the block; both archives' nodes propose the same ones."""
    tests = unpacked("boole") / "types" / "spectest" / "generate" / "tests"
    tree = json.loads((tests / _FILE.format(fork.name.lower())).read_bytes())
    return BlockProposal.decode(fork, parse_bytes(tree["ConsensusData"]["DataSSZ"]))
