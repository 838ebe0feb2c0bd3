"""Does the caller live on our chain and fork? What a request says about it is compared, never used.

The signer signs under its own schedule. A caller with another one is wrong about the chain, so it is told, with both.

The previous version is compared as far as it has one meaning: chains that begin with several forks at once are
generated with any of them as the previous one of the first. It takes no part in a signature of this epoch.

Source: remote-signing API (fork_info); consensus-specs phase0/beacon-chain.md (Fork).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from ssz.sedes import ByteVector, bytes32, uint64

from ssv_protocol.beacon_chain import BeaconChain, ScheduledFork
from ssv_protocol.types.ids import Epoch, ForkVersion, Root
from ssv_protocol.types.ssz import SszContainer
from ssv_signer.remote.errors import Refused, RemoteReason

bytes4 = ByteVector(4)


@dataclass(frozen=True, slots=True)
class Fork(SszContainer):
    """The fork of a beacon state."""

    previous_version: Annotated[ForkVersion, bytes4]
    current_version: Annotated[ForkVersion, bytes4]
    epoch: Annotated[Epoch, uint64]


@dataclass(frozen=True, slots=True)
class ForkInfo(SszContainer):
    """The fork and the chain that a request is for."""

    fork: Fork
    genesis_validators_root: Annotated[Root, bytes32]


def check(chain: BeaconChain, given: ForkInfo, epoch: Epoch) -> Refused | None:
    """Refuse a fork_info that is not ours for an object of `epoch`."""
    return _refusal(chain, given, [chain.fork_at(epoch)])


def check_any(chain: BeaconChain, given: ForkInfo) -> Refused | None:
    """Refuse a fork_info that is ours at no epoch; for objects whose signature no fork changes."""
    return _refusal(chain, given, chain.forks)


def _refusal(chain: BeaconChain, given: ForkInfo, ours: Sequence[ScheduledFork]) -> Refused | None:
    root = chain.genesis_validators_root
    if given.genesis_validators_root != root:
        return Refused(
            RemoteReason.OTHER_FORK,
            f"genesis validators root 0x{given.genesis_validators_root.hex()}, ours is 0x{root.hex()}",
        )
    if any(_same(chain, given.fork, fork) for fork in ours):
        return None
    listed = " or ".join(f"{fork.fork.name.lower()} 0x{fork.version.hex()} since epoch {fork.epoch}" for fork in ours)
    fork = given.fork
    return Refused(
        RemoteReason.OTHER_FORK,
        f"fork 0x{fork.current_version.hex()} since epoch {fork.epoch} after 0x{fork.previous_version.hex()}, "
        f"ours is {listed}",
    )


def _same(chain: BeaconChain, given: Fork, ours: ScheduledFork) -> bool:
    if (given.current_version, given.epoch) != (ours.version, ours.epoch):
        return False
    at_once = {fork.version for fork in chain.forks if fork.epoch == ours.epoch}
    if ours.epoch == 0:
        return given.previous_version in at_once
    before = chain.fork_at(Epoch(ours.epoch - 1)).version
    return given.previous_version in {before, *at_once} - {ours.version}
