"""The network file: what the services must agree on about the SSV network and its beacon chain, as JSON.

Byte strings are lower-case hex with 0x. Unknown keys are refused: a misspelt fork epoch must not pass as "not
scheduled".

Source: the fields of `ssv_protocol.networks.SsvNetwork` and `ssv_protocol.beacon_chain.BeaconChain`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import msgspec

from ssv_protocol.beacon_chain import BeaconChain, BeaconFork, ScheduledFork
from ssv_protocol.forks import Network
from ssv_protocol.networks import LAST_PROPOSER_ROUND, PROPOSER_TIMEOUT_S, PUBLIC_QUICK_TIMEOUT_S, SsvNetwork
from ssv_protocol.types.ids import DomainType, Epoch, ExecutionAddress, ForkVersion, Root, Round
from ssv_runtime.files import write_atomically
from ssv_runtime.settings import SettingsError

_Hex4 = Annotated[str, msgspec.Meta(pattern="^0x[0-9a-fA-F]{8}$")]
_Hex20 = Annotated[str, msgspec.Meta(pattern="^0x[0-9a-fA-F]{40}$")]
_Hex32 = Annotated[str, msgspec.Meta(pattern="^0x[0-9a-fA-F]{64}$")]
_Natural = Annotated[int, msgspec.Meta(ge=0)]
_Positive = Annotated[int, msgspec.Meta(gt=0)]
_Seconds = Annotated[float, msgspec.Meta(gt=0)]


class _Ssv(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    alan_domain: _Hex4
    registry_contract: _Hex20
    registry_from_block: _Natural
    boole_domain: _Hex4 | None = None
    boole_epoch: _Natural | None = None
    quick_timeout_s: _Seconds = PUBLIC_QUICK_TIMEOUT_S
    alan_proposer_timeout_s: _Seconds = PROPOSER_TIMEOUT_S
    boole_proposer_timeout_s: _Seconds = PROPOSER_TIMEOUT_S
    last_proposer_round: _Positive | None = LAST_PROPOSER_ROUND
    bootnodes: tuple[str, ...] = ()


class _Fork(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    version: _Hex4
    epoch: _Natural


class _Chain(msgspec.Struct, forbid_unknown_fields=True):
    genesis_time_s: _Natural
    genesis_validators_root: _Hex32
    slot_duration_s: _Seconds
    slots_per_epoch: _Positive
    epochs_per_sync_committee_period: _Positive
    sync_committee_size: _Positive
    forks: list[_Fork]


class _File(msgspec.Struct, forbid_unknown_fields=True):
    ssv: _Ssv
    chain: _Chain


class NetworkFileError(SettingsError):
    """The network file cannot be read or does not describe a network."""


def read_network_file(path: str | os.PathLike[str]) -> Network:
    """Return the network that the file describes.

    Raises:
        NetworkFileError: the file is missing, or a key is missing, unknown or has a value that it cannot have.
    """
    try:
        return decode_network(Path(path).read_bytes())
    except OSError as error:
        raise NetworkFileError(f"network file {path}: {error.strerror}") from None
    except (msgspec.MsgspecError, ValueError) as error:
        raise NetworkFileError(f"network file {path}: {error}") from None


def write_network_file(path: str | os.PathLike[str], network: Network) -> None:
    """Write `network` so that `read_network_file` returns it again. The file appears whole or not at all."""
    write_atomically(path, encode_network(network))


def decode_network(data: bytes) -> Network:
    """Return the network in `data`.

    Raises:
        ValueError: it is not a network (also `msgspec.MsgspecError`).
    """
    file = msgspec.json.decode(data, type=_File)
    ssv, chain = file.ssv, file.chain
    return Network(
        SsvNetwork(
            name=ssv.name,
            alan_domain=DomainType(_bytes(ssv.alan_domain)),
            boole_domain=None if ssv.boole_domain is None else DomainType(_bytes(ssv.boole_domain)),
            registry_contract=ExecutionAddress(_bytes(ssv.registry_contract)),
            registry_from_block=ssv.registry_from_block,
            quick_timeout_s=ssv.quick_timeout_s,
            boole_epoch=None if ssv.boole_epoch is None else Epoch(ssv.boole_epoch),
            alan_proposer_timeout_s=ssv.alan_proposer_timeout_s,
            boole_proposer_timeout_s=ssv.boole_proposer_timeout_s,
            last_proposer_round=None if ssv.last_proposer_round is None else Round(ssv.last_proposer_round),
            bootnodes=ssv.bootnodes,
        ),
        BeaconChain(
            genesis_time_s=chain.genesis_time_s,
            genesis_validators_root=Root(_bytes(chain.genesis_validators_root)),
            slot_duration_s=chain.slot_duration_s,
            slots_per_epoch=chain.slots_per_epoch,
            epochs_per_sync_committee_period=chain.epochs_per_sync_committee_period,
            sync_committee_size=chain.sync_committee_size,
            forks=tuple(_fork(each) for each in chain.forks),
        ),
    )


def encode_network(network: Network) -> bytes:
    """Return `network` as JSON that `decode_network` reads."""
    ssv, chain = network.ssv, network.chain
    file = _File(
        _Ssv(
            name=ssv.name,
            alan_domain=_hex(ssv.alan_domain),
            boole_domain=None if ssv.boole_domain is None else _hex(ssv.boole_domain),
            registry_contract=_hex(ssv.registry_contract),
            registry_from_block=ssv.registry_from_block,
            quick_timeout_s=ssv.quick_timeout_s,
            boole_epoch=ssv.boole_epoch,
            alan_proposer_timeout_s=ssv.alan_proposer_timeout_s,
            boole_proposer_timeout_s=ssv.boole_proposer_timeout_s,
            last_proposer_round=ssv.last_proposer_round,
            bootnodes=ssv.bootnodes,
        ),
        _Chain(
            genesis_time_s=chain.genesis_time_s,
            genesis_validators_root=_hex(chain.genesis_validators_root),
            slot_duration_s=chain.slot_duration_s,
            slots_per_epoch=chain.slots_per_epoch,
            epochs_per_sync_committee_period=chain.epochs_per_sync_committee_period,
            sync_committee_size=chain.sync_committee_size,
            forks=[_Fork(each.fork.name.lower(), _hex(each.version), each.epoch) for each in chain.forks],
        ),
    )
    return msgspec.json.format(msgspec.json.encode(file), indent=2) + b"\n"


def _fork(fork: _Fork) -> ScheduledFork:
    try:
        return ScheduledFork(BeaconFork[fork.name.upper()], ForkVersion(_bytes(fork.version)), Epoch(fork.epoch))
    except KeyError:
        raise ValueError(f"fork {fork.name!r} is unknown - at `$.chain.forks`") from None


def _hex(value: bytes) -> str:
    return f"0x{value.hex()}"


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:])
