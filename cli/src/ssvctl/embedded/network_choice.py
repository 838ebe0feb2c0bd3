"""Which network an operator is on: its network file, made by the beacon node's word where only a name is given.

A public network is known by its name, but for what the beacon node tells: genesis, slot time, forks. So its file is
made at the first start, once a beacon node answers that is of that network, and made anew when the node knows of a
fork that is still to come. A file that the user named is never written.

Invariant: no file goes by the name of a public network whose chain has another genesis.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ssv_ethereum.backoff import Backoff
from ssv_ethereum.beacon.errors import BeaconError
from ssv_ethereum.beacon.node import BeaconNode
from ssv_ethereum.pool.look import difference_between
from ssv_ethereum.slot_clock import SlotClock
from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.forks import Network
from ssv_protocol.networks import LOCAL, PUBLIC_CHAINS, PUBLIC_NETWORKS
from ssv_runtime.network_file import read_network_file, write_network_file
from ssvctl.embedded.settings import OperatorSettings
from ssvctl.errors import SsvctlError

LONGEST_PAUSE_S = 10.0

Say = Callable[[str], None]


class NobodyDescribes(SsvctlError):
    """No beacon node tells what chain it is of."""


async def choose_network(settings: OperatorSettings, made: Path, say: Say) -> Network:
    """Return the network of `settings`; its file stands afterwards, at `made` if none was named.

    Raises SsvctlError, NetworkFileError.

    Waits for a beacon node, and says so, while there is no file.
    """
    name = settings.network
    if settings.network_file is not None:
        network = read_network_file(settings.network_file)
        who = f"network file {settings.network_file}"
        if name is not None and network.ssv.name != name:
            raise SsvctlError(f"{who} is of {network.ssv.name}, not of {name}; name the right one")
        check_genesis(network.ssv.name, network.chain, who)
        return network
    if name is None or name == LOCAL:
        raise SsvctlError("a local network is known by its file only; give --network-file")
    known = _read_if_there(made)
    try:
        url, chain = await _described(settings.beacon_urls)
    except NobodyDescribes:
        if known is not None:
            return known
        url, chain = await _waited_for(settings.beacon_urls, say)
    check_genesis(name, chain, f"beacon node {url}")
    network = Network(PUBLIC_NETWORKS[name], chain)
    if known is None:
        say(f"wrote {made}: {name}, as the beacon node {url} describes its chain")
    elif known != network:
        difference = difference_between(known.chain, chain, chain.epoch_of(SlotClock(chain, time.time).slot()))
        if difference:
            raise SsvctlError(f"beacon node {url} is of another chain than {made}: {difference}")
        say(f"wrote {made} again: the beacon node {url} knows of another fork to come")
    if known != network:
        write_network_file(made, network)
    return network


def check_genesis(name: str, chain: BeaconChain, who: str) -> None:
    """Raise SsvctlError when `who` describes another chain than the public network `name` is on."""
    expected = PUBLIC_CHAINS.get(name)
    if expected is not None and chain.genesis_validators_root != expected.genesis_validators_root:
        raise SsvctlError(
            f"{who} is not of {name}: its genesis validators root is 0x{chain.genesis_validators_root.hex()}, "
            f"that of {name} 0x{expected.genesis_validators_root.hex()}"
        )


async def _waited_for(urls: Sequence[str], say: Say) -> tuple[str, BeaconChain]:
    told, backoff = "", Backoff(first_s=0.5, limit_s=LONGEST_PAUSE_S)
    while True:
        try:
            return await _described(urls)
        except NobodyDescribes as error:
            if str(error) != told:
                told = str(error)
                say(f"waits for a beacon node that describes the network ({told})")
        await backoff.pause()


async def _described(urls: Sequence[str]) -> tuple[str, BeaconChain]:
    """Return the first node that answers, and its chain. Raises NobodyDescribes."""
    problems = []
    for url in urls:
        async with BeaconNode(url) as node:
            try:
                return node.endpoint, await node.chain.describe()
            except BeaconError as error:
                problems.append(f"{node.endpoint}: {error.problem}")
    raise NobodyDescribes("; ".join(problems))


def _read_if_there(file: Path) -> Network | None:
    return read_network_file(file) if file.exists() else None
