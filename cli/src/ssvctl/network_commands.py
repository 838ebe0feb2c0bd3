"""`ssvctl network`: the network file that all services of an operator share."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ssv_ethereum.beacon.node import BeaconNode
from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.forks import Network
from ssv_protocol.networks import LOCAL, PUBLIC_NETWORKS, SsvNetwork, local_network
from ssv_protocol.types.ids import ExecutionAddress
from ssv_runtime.network_file import encode_network
from ssvctl.arguments import parse_address
from ssvctl.errors import SsvctlError, reported
from ssvctl.files import PUBLIC, refuse_existing, write_new

app = typer.Typer(help="The network file that all services share.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `make` a command of a group: there will be more."""


@app.command()
def make(
    *,
    beacon_url: Annotated[str, typer.Option(help="Beacon node whose chain it is.")],
    out: Annotated[Path, typer.Option(help="File to write; must not exist yet.")],
    name: Annotated[str, typer.Option(help=f"{LOCAL}, {', '.join(PUBLIC_NETWORKS)}.")] = LOCAL,
    contract: Annotated[str | None, typer.Option(help="SSV contract of a local network.")] = None,
    from_block: Annotated[int, typer.Option(min=0, help="Block of a local contract's creation, or before it.")] = 0,
) -> None:
    """Write down genesis, slot time and forks as a beacon node tells them, and which SSV network runs there."""
    with reported():
        address = None if contract is None else parse_address(contract, "contract")
        _check(name, address, from_block)
        refuse_existing(out)
        chain = asyncio.run(_describe(beacon_url))
        network = Network(_ssv_network(name, chain, address, from_block), chain)
        write_new(out, encode_network(network), PUBLIC)
    typer.echo(
        f"{out}: {name}, slots of {chain.slot_duration_s:g} s, {chain.slots_per_epoch} an epoch, "
        f"forks {', '.join(fork.fork.name.lower() for fork in chain.forks)}"
    )


def _check(name: str, contract: ExecutionAddress | None, from_block: int) -> None:
    if name != LOCAL and name not in PUBLIC_NETWORKS:
        raise SsvctlError(f"network {name} is not known; give {LOCAL}, {', '.join(PUBLIC_NETWORKS)}")
    if name == LOCAL and contract is None:
        raise SsvctlError("a local network needs --contract, the address of its SSV contract")
    if name != LOCAL and (contract is not None or from_block):
        raise SsvctlError(f"the contract of {name} is known; leave out --contract and --from-block")


def _ssv_network(name: str, chain: BeaconChain, contract: ExecutionAddress | None, from_block: int) -> SsvNetwork:
    if contract is None:
        return PUBLIC_NETWORKS[name]
    return replace(local_network(contract, chain.slot_duration_s), registry_from_block=from_block)


async def _describe(url: str) -> BeaconChain:
    async with BeaconNode(url) as beacon:
        return await beacon.chain.describe()
