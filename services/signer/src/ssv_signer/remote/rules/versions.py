"""Objects that say of which fork they are: `{"version": "FULU", …}`."""

from __future__ import annotations

from typing import Any

from ssv_protocol.beacon_chain import BeaconChain, BeaconFork
from ssv_protocol.types.ids import Epoch
from ssv_protocol.types.ssz_json import Malformed, mapping, required
from ssv_signer.remote.errors import Refused, RemoteReason
from ssv_signer.remote.ssz_schema import Schema


def read_version(plain: object, place: str) -> BeaconFork:
    """Return the fork that an object names; raises Malformed."""
    name = required(mapping(plain, place), "version", place)
    known = [fork.name for fork in BeaconFork]
    if not isinstance(name, str) or name not in known:
        raise Malformed(f"{place}.version", f"one of {', '.join(known)} expected")
    return BeaconFork[name]


def versioned_schema(names: list[BeaconFork], key: str, body: Schema) -> Schema:
    """Return the schema of an object of some forks, whose content stands under `key`."""
    version: dict[str, Any] = {"type": "string", "enum": [fork.name for fork in names]}
    return {"type": "object", "required": ["version", key], "properties": {"version": version, key: body}}


def check_version(chain: BeaconChain, given: BeaconFork, epoch: Epoch) -> Refused | None:
    """Refuse an object of another fork than that of its epoch."""
    ours = chain.fork_at(epoch).fork
    if given == ours:
        return None
    return Refused(RemoteReason.WRONG_VERSION, f"{given.name} in epoch {epoch}, ours is {ours.name}")
