"""The network file: forks are taken over, another chain is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ssv_kube.errors import NotYet
from ssv_kube.handlers.network_file import merged
from ssv_protocol.beacon_chain import BeaconChain, BeaconFork, ScheduledFork
from ssv_protocol.forks import Network
from ssv_protocol.networks import HOODI
from ssv_protocol.types.ids import Epoch, ForkVersion, Root
from ssv_runtime.network_file import decode_network, encode_network

FIRST, *_, LAST = tuple(BeaconFork)
CHAIN = BeaconChain(
    genesis_time_s=1,
    genesis_validators_root=Root(b"\1" * 32),
    slot_duration_s=12.0,
    slots_per_epoch=32,
    epochs_per_sync_committee_period=256,
    sync_committee_size=512,
    forks=(ScheduledFork(FIRST, ForkVersion(b"\0\0\0\1"), Epoch(0)),),
)
FILE = encode_network(Network(HOODI, CHAIN)).decode()


def test_a_new_fork_is_taken_over_and_nothing_else() -> None:
    forks = (*CHAIN.forks, ScheduledFork(LAST, ForkVersion(b"\0\0\0\2"), Epoch(99)))
    network = decode_network(merged(FILE, replace(CHAIN, forks=forks, genesis_time_s=2)).encode())
    assert network == Network(HOODI, replace(CHAIN, forks=forks))


def test_the_same_chain_gives_the_same_file() -> None:
    assert merged(FILE, CHAIN) == FILE


def test_another_chain_is_refused() -> None:
    with pytest.raises(NotYet, match="another chain"):
        merged(FILE, replace(CHAIN, genesis_validators_root=Root(b"\2" * 32)))
