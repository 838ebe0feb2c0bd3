"""What the beacon node says about its chain: genesis and the spec, as a `BeaconChain`.

Fork epochs and versions come from the spec answer by name (`ELECTRA_FORK_EPOCH`, `ELECTRA_FORK_VERSION`), because
the fork schedule endpoint has no names. Forks that this project does not know, and forks not scheduled, are left
out. The slot time is `SLOT_DURATION_MS`, or `SECONDS_PER_SLOT` where a node does not say that yet.

Source: beacon-APIs, `getGenesis`, `getSpec`; consensus-specs configs/*.yaml.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from ssv_ethereum.beacon.answers import Envelope, Hex4, Hex32, Uint, from_hex
from ssv_ethereum.beacon.errors import BeaconAnswerInvalid
from ssv_ethereum.beacon.http import BeaconHttp
from ssv_protocol.beacon_chain import BeaconChain, BeaconFork, ScheduledFork
from ssv_protocol.types.ids import Epoch, ForkVersion, Root

_SPEC_PATH = "/eth/v1/config/spec"
_NOT_SCHEDULED = 2**64 - 1


class Genesis(msgspec.Struct, frozen=True):
    """Where and when the chain began."""

    genesis_time: Uint
    genesis_validators_root: Hex32
    genesis_fork_version: Hex4


@dataclass(frozen=True, slots=True)
class ChainApi:
    """Genesis and spec."""

    http: BeaconHttp

    async def genesis(self) -> Genesis:
        """Return the genesis. Raises BeaconError; BeaconRefused 404 before genesis is known."""
        return (await self.http.get("/eth/v1/beacon/genesis", Envelope[Genesis])).data

    async def spec(self) -> dict[str, Any]:
        """Return the node's configuration by name; values are mostly strings. Raises BeaconError."""
        return (await self.http.get(_SPEC_PATH, Envelope[dict[str, Any]])).data

    async def describe(self) -> BeaconChain:
        """Return the chain as one value. Raises BeaconError; BeaconAnswerInvalid when the spec lacks a value."""
        genesis, spec = await self.genesis(), await self.spec()
        try:
            return chain_from(genesis, spec)
        except (KeyError, ValueError) as error:
            raise BeaconAnswerInvalid(self.http.endpoint, f"GET {_SPEC_PATH}", f"spec: {error}") from None


def chain_from(genesis: Genesis, spec: Mapping[str, Any]) -> BeaconChain:
    """Return the chain of a genesis and a spec; raises KeyError or ValueError when the spec is incomplete."""
    return BeaconChain(
        genesis_time_s=genesis.genesis_time,
        genesis_validators_root=Root(bytes(genesis.genesis_validators_root)),
        slot_duration_s=_slot_duration_s(spec),
        slots_per_epoch=int(spec["SLOTS_PER_EPOCH"]),
        epochs_per_sync_committee_period=int(spec["EPOCHS_PER_SYNC_COMMITTEE_PERIOD"]),
        sync_committee_size=int(spec["SYNC_COMMITTEE_SIZE"]),
        forks=_forks(genesis, spec),
    )


def _slot_duration_s(spec: Mapping[str, Any]) -> float:
    if "SLOT_DURATION_MS" in spec:
        return int(spec["SLOT_DURATION_MS"]) / 1000
    return float(spec["SECONDS_PER_SLOT"])


def _forks(genesis: Genesis, spec: Mapping[str, Any]) -> tuple[ScheduledFork, ...]:
    forks = [ScheduledFork(BeaconFork.PHASE0, ForkVersion(bytes(genesis.genesis_fork_version)), Epoch(0))]
    for fork in BeaconFork:
        epoch = int(spec.get(f"{fork.name}_FORK_EPOCH", _NOT_SCHEDULED))
        if epoch != _NOT_SCHEDULED:
            version = ForkVersion(from_hex(spec[f"{fork.name}_FORK_VERSION"]))
            forks.append(ScheduledFork(fork, version, Epoch(epoch)))
    return tuple(forks)
