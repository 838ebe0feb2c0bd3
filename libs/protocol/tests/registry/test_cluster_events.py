from libs.protocol.tests.registry import chain

from ssv_protocol.registry import changes
from ssv_protocol.registry.state import ChainMoment, cluster_id
from ssv_protocol.types.ids import OperatorId

FIVE = (*chain.FOUR[:3], OperatorId(5))


def network_with_two_clusters() -> chain.Chain:
    network = chain.chain_with_operators(1, 2, 3, 4, 5)
    network.block(
        chain.validator_added(1, 0),
        chain.validator_added(2, 1),
        chain.validator_added(3, 2, operator_ids=FIVE),
        chain.validator_added(4, 0, owner=chain.STRANGER),
    )
    return network


def liquidated(network: chain.Chain) -> set[bytes]:
    return {record.public_key for record in network.state.validators.values() if record.liquidated}


def test_liquidation_stops_the_validators_of_that_cluster_only() -> None:
    network = network_with_two_clusters()
    keys = tuple(sorted(chain.validator_key(number).public_key() for number in (1, 2)))
    result = network.block(chain.log("ClusterLiquidated", chain.OWNER, chain.FOUR, chain.CLUSTER))
    assert result.changes == [changes.ClusterLiquidated(cluster_id(chain.OWNER, chain.FOUR), keys)]
    assert liquidated(network) == set(keys)
    result = network.block(chain.log("ClusterReactivated", chain.OWNER, chain.FOUR, chain.CLUSTER))
    assert result.changes == [changes.ClusterReactivated(cluster_id(chain.OWNER, chain.FOUR), keys)]
    assert liquidated(network) == set()


def test_liquidation_of_a_cluster_without_validators_changes_nothing() -> None:
    network = chain.chain_with_operators()
    result = network.block(chain.log("ClusterLiquidated", chain.OWNER, chain.FOUR, chain.CLUSTER))
    assert (result.changes, result.skipped) == ([], [])


def test_cluster_id_does_not_depend_on_the_order_of_operators() -> None:
    assert cluster_id(chain.OWNER, chain.FOUR) == cluster_id(chain.OWNER, chain.FOUR[::-1])
    assert cluster_id(chain.OWNER, chain.FOUR) != cluster_id(chain.STRANGER, chain.FOUR)


def test_fee_recipient_is_the_owner_until_it_names_another() -> None:
    network = network_with_two_clusters()
    assert network.state.fee_recipient(chain.OWNER) == chain.OWNER
    event = chain.log("FeeRecipientAddressUpdated", chain.OWNER, chain.STRANGER)
    assert network.block(event).changes == [changes.FeeRecipientChanged(chain.OWNER, chain.STRANGER)]
    assert network.state.fee_recipient(chain.OWNER) == chain.STRANGER
    number = network.state.block_number
    changed = ChainMoment(number, chain.block_time_s(number))
    assert network.state.recipients[chain.OWNER].changed == changed
    assert network.block(event).changes == []
    network.block(chain.validator_added(3, 2))
    assert network.state.recipients[chain.OWNER].changed == changed


def test_fee_recipient_of_an_owner_without_validators_leaves_its_nonce() -> None:
    network = chain.chain_with_operators()
    network.block(chain.log("FeeRecipientAddressUpdated", chain.OWNER, chain.STRANGER))
    assert network.state.next_nonce(chain.OWNER) == 0
    assert network.block(chain.validator_added(1, 0)).skipped == []
    assert network.state.fee_recipient(chain.OWNER) == chain.STRANGER
