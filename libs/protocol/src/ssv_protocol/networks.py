"""The SSV networks, as data, and by what an Ethereum node shows that it is of the right chain.

Genesis time, slot times and beacon forks are not here: they are read from the beacon node.

Source: ssv-spec types/domain_type.go; ssvlabs/ssv networkconfig; SIP "fork support"; the chains' own configurations.
"""

from __future__ import annotations

from dataclasses import dataclass

from ssv_protocol.types.ids import DomainType, Epoch, ExecutionAddress, Root, Round

PUBLIC_QUICK_TIMEOUT_S = 2.0
PROPOSER_TIMEOUT_S = 1.5
"""SIP-102; before it proposers had the length of all roles."""
LAST_PROPOSER_ROUND = Round(2)
"""A block that is decided later comes too late to be worth it."""


@dataclass(frozen=True, slots=True)
class SsvNetwork:
    """One SSV network.

    `boole_epoch` is None while that fork is not scheduled, and no fork may be scheduled without its domain: messages
    of both rule sets under one domain could not be told apart. `quick_timeout_s` is the length of a QBFT round up to
    the eighth, which gossip validation's round estimate shares; a proposal's rounds have a length of their own under
    each rule set, and there are none after `last_proposer_round` (None: as many as in other roles). `bootnodes` are
    records (enr:…) of nodes that tell of others.
    """

    name: str
    alan_domain: DomainType
    boole_domain: DomainType | None
    registry_contract: ExecutionAddress
    registry_from_block: int
    quick_timeout_s: float = PUBLIC_QUICK_TIMEOUT_S
    boole_epoch: Epoch | None = None
    alan_proposer_timeout_s: float = PROPOSER_TIMEOUT_S
    boole_proposer_timeout_s: float = PROPOSER_TIMEOUT_S
    last_proposer_round: Round | None = LAST_PROPOSER_ROUND
    bootnodes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.boole_epoch is not None and self.boole_domain is None:
            raise ValueError(f"network {self.name} schedules Boole without a Boole domain")


def _network(
    name: str, alan_domain: str, boole_domain: str | None, registry_contract: str, registry_from_block: int
) -> SsvNetwork:
    return SsvNetwork(
        name,
        DomainType(bytes.fromhex(alan_domain)),
        None if boole_domain is None else DomainType(bytes.fromhex(boole_domain)),
        ExecutionAddress(bytes.fromhex(registry_contract)),
        registry_from_block,
    )


# The Boole domains of the test networks are not published.
MAINNET = _network("mainnet", "00000001", "00000002", "DD9BC35aE942eF0cFa76930954a156B3fF30a4E1", 17_507_487)
HOODI = _network("hoodi", "00000503", None, "58410Bef803ECd7E63B23664C586A6DB72DAf59c", 1_065)
SEPOLIA = _network("sepolia", "00000569", None, "261419B48F36EdF420743E9f91bABF4856e76f99", 7_795_814)
HOLESKY = _network("holesky", "00000502", None, "38A4794cCEd47d3baf7370CcC43B560D3a1beEFA", 181_612)
PUBLIC_NETWORKS = {network.name: network for network in (MAINNET, HOODI, SEPOLIA, HOLESKY)}


@dataclass(frozen=True, slots=True)
class EthereumChain:
    """What every node of a public chain says: its execution node (eth_chainId), its beacon node (genesis)."""

    execution_chain_id: int
    genesis_validators_root: Root


def _chain(execution_chain_id: int, genesis_validators_root: str) -> EthereumChain:
    return EthereumChain(execution_chain_id, Root(bytes.fromhex(genesis_validators_root)))


PUBLIC_CHAINS = {
    "mainnet": _chain(1, "4b363db94e286120d76eb905340fdd4e54bfe9f06bf33ff6cf5ad27f511bfe95"),
    "hoodi": _chain(560_048, "212f13fc4df078b6cb7db228f1c8307566dcecf900867401a92023d7ba99cb5f"),
    "sepolia": _chain(11_155_111, "d8ea171f3c94aea21ebc42a1ed61052acf3f9209c00e4efbaaddac09ed9b8078"),
    "holesky": _chain(17_000, "9143aa7c615a7f7115e2b6aac319c03529df8242ae705fba9df39b79c59fa8b1"),
}
"""By the name of the SSV network on it. A local network is on whatever chain its file describes."""

LOCAL = "local"
LOCAL_ALAN_DOMAIN = DomainType(bytes.fromhex("00000402"))
LOCAL_BOOLE_DOMAIN = DomainType(bytes.fromhex("00000403"))


def local_network(
    registry_contract: ExecutionAddress, slot_duration_s: float, boole_epoch: Epoch | None = None
) -> SsvNetwork:
    """Return a network on one machine, whose short slots need rounds of a sixth of a slot, proposals included."""
    return SsvNetwork(
        LOCAL,
        LOCAL_ALAN_DOMAIN,
        LOCAL_BOOLE_DOMAIN,
        registry_contract,
        registry_from_block=0,
        quick_timeout_s=slot_duration_s / 6,
        boole_epoch=boole_epoch,
        alan_proposer_timeout_s=slot_duration_s / 6,
        boole_proposer_timeout_s=slot_duration_s / 6,
    )
