"""The network file of a node: from the ConfigMap that its spec names, else made once of what a beacon node says.

Invariant: a file that was made is kept, but for forks: the chain and the SSV network in it never change. Forks are
read again now and then, because beacon nodes learn of new ones.
"""

from __future__ import annotations

from dataclasses import replace

from ssv_ethereum.beacon.node import BeaconNode
from ssv_kube.errors import NotYet
from ssv_kube.handlers.cluster import Cluster
from ssv_kube.handlers.kinds import CONFIG_MAP
from ssv_kube.resources.config_maps import NETWORK_KEY
from ssv_kube.resources.mounts import network_config_map
from ssv_kube.resources.node import Node
from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.errors import SsvError
from ssv_protocol.forks import Network
from ssv_protocol.networks import PUBLIC_NETWORKS, SsvNetwork, local_network
from ssv_protocol.types.ids import ExecutionAddress
from ssv_runtime.network_file import decode_network, encode_network


async def network_file(cluster: Cluster, node: Node, *, read_forks: bool) -> str:
    """Return the file's text. `read_forks`: ask a beacon node even when there is a file.

    Raises:
        NotYet: there is none, and no beacon node tells what would be in it.
        ClusterError: the API can't be reached.
    """
    kept = await _kept(cluster, node)
    if node.spec.network.config_map is not None:
        if kept is None:
            name = node.spec.network.config_map
            raise NotYet("NetworkFileMissing", f"ConfigMap {name} with the key {NETWORK_KEY} does not exist; make it")
        return kept
    if kept is not None and not read_forks:
        return kept
    try:
        chain = await _describe(node)
    except NotYet:
        if kept is None:
            raise
        return kept
    return encode_network(Network(_ssv_network(node, chain), chain)).decode() if kept is None else merged(kept, chain)


def merged(kept: str, chain: BeaconChain) -> str:
    """Return the file with the forks that the chain has now.

    Raises:
        NotYet: it is another chain.
    """
    network = decode_network(kept.encode())
    if network.chain.genesis_validators_root != chain.genesis_validators_root:
        raise NotYet(
            "AnotherChain", "the beacon node is of another chain than this node was made for; mend beacon.endpoints"
        )
    return encode_network(replace(network, chain=replace(network.chain, forks=chain.forks))).decode()


async def _kept(cluster: Cluster, node: Node) -> str | None:
    found = await cluster.read(CONFIG_MAP, node.namespace, network_config_map(node))
    text: str | None = None if found is None else found.get("data", {}).get(NETWORK_KEY)
    if text is None:
        return None
    try:
        decode_network(text.encode())
    except ValueError as error:
        raise NotYet("NetworkFileInvalid", f"{network_config_map(node)}: {error}; make it anew") from None
    return text


async def _describe(node: Node) -> BeaconChain:
    failures = []
    for url in node.spec.beacon.endpoints:
        try:
            async with BeaconNode(url) as beacon:
                return await beacon.chain.describe()
        except SsvError as error:
            failures.append(str(error))
    raise NotYet(
        "NoBeaconNode", f"no beacon node tells the chain: {'; '.join(failures)}. See whether beacon.endpoints are right"
    )


def _ssv_network(node: Node, chain: BeaconChain) -> SsvNetwork:
    given = node.spec.network
    if given.contract is None:
        return PUBLIC_NETWORKS[given.name]
    contract = ExecutionAddress(bytes.fromhex(given.contract.removeprefix("0x")))
    return replace(local_network(contract, chain.slot_duration_s), registry_from_block=given.from_block or 0)
