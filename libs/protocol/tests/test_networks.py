from dataclasses import replace

import pytest

from ssv_protocol.networks import (
    HOODI,
    LOCAL_ALAN_DOMAIN,
    LOCAL_BOOLE_DOMAIN,
    MAINNET,
    PUBLIC_CHAINS,
    PUBLIC_NETWORKS,
    local_network,
)
from ssv_protocol.types.domain import SPEC_DOMAINS
from ssv_protocol.types.ids import Epoch, ExecutionAddress

CONTRACT = ExecutionAddress(b"\x07" * 20)


def test_public_networks_go_by_name_and_differ_in_domain_and_contract() -> None:
    networks = PUBLIC_NETWORKS.values()
    assert all(PUBLIC_NETWORKS[network.name] is network for network in networks)
    domains = [domain for n in networks for domain in (n.alan_domain, n.boole_domain) if domain is not None]
    domains += [LOCAL_ALAN_DOMAIN, LOCAL_BOOLE_DOMAIN]
    assert len(set(domains)) == len(domains)
    assert len({network.registry_contract for network in networks}) == len(networks)
    assert all(len(domain) == 4 for domain in domains)
    assert all(len(network.registry_contract) == 20 for network in networks)


def test_every_public_network_is_on_a_chain_of_its_own() -> None:
    chains = PUBLIC_CHAINS.values()
    assert PUBLIC_CHAINS.keys() == PUBLIC_NETWORKS.keys()
    assert PUBLIC_CHAINS["mainnet"].execution_chain_id == 1
    assert len({chain.execution_chain_id for chain in chains}) == len(chains)
    assert len({chain.genesis_validators_root for chain in chains}) == len(chains)
    assert all(len(chain.genesis_validators_root) == 32 for chain in chains)


def test_mainnet_has_the_domains_of_the_specification() -> None:
    assert MAINNET.alan_domain.hex() == "00000001"
    assert MAINNET.alan_domain in SPEC_DOMAINS


def test_public_rounds_are_two_seconds_and_no_public_network_schedules_boole() -> None:
    assert {network.quick_timeout_s for network in PUBLIC_NETWORKS.values()} == {2.0}
    assert {network.alan_proposer_timeout_s for network in PUBLIC_NETWORKS.values()} == {1.5}
    assert {network.boole_epoch for network in PUBLIC_NETWORKS.values()} == {None}


@pytest.mark.parametrize("slot_duration_s", [2.0, 6.0, 12.0])
def test_local_rounds_are_a_sixth_of_a_slot(slot_duration_s: float) -> None:
    network = local_network(CONTRACT, slot_duration_s, Epoch(5))
    assert network.quick_timeout_s * 6 == pytest.approx(slot_duration_s)
    assert (network.registry_contract, network.boole_epoch) == (CONTRACT, 5)


def test_boole_cannot_be_scheduled_without_its_domain() -> None:
    with pytest.raises(ValueError, match="hoodi"):
        replace(HOODI, boole_epoch=Epoch(10))
    assert replace(MAINNET, boole_epoch=Epoch(10)).boole_epoch == 10
